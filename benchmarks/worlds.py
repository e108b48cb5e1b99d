"""The served worlds: street.toml in any size, and the default scenario."""

import subprocess
from pathlib import Path

from benchmarks.environments import BENCH_CACHE, install_mockserver
from contract_tests.serving import ServedWorld, environment_without_settings

STREET = Path(__file__).parent / "street.toml"
PROJECT = "street"


def serve_street(rows: int, *, embeddings: bool = False, options: tuple[str, ...] = ()) -> ServedWorld:
    """A server of so many labelled pictures, whose world was built beforehand."""
    file = write_scenario(rows, embeddings=embeddings)
    prepare(str(file))
    return ServedWorld("--scenario", str(file), *options, python=install_mockserver())


def serve_default() -> ServedWorld:
    prepare("default")
    return ServedWorld(python=install_mockserver())


def write_scenario(rows: int, *, embeddings: bool) -> Path:
    """Writes street.toml with another number of rows, or with embeddings; returns the file."""
    text = STREET.read_text()
    for key, value in {"labelled": str(rows), "embeddings": str(embeddings).lower()}.items():
        before, _, after = text.partition(f"\n{key} = ")
        assert after, f"street.toml must have a line `{key} = …`"
        text = f"{before}\n{key} = {value}\n{after.partition(chr(10))[2]}"
    file = BENCH_CACHE / "scenarios" / f"street-{rows}{'-embeddings' if embeddings else ''}.toml"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)
    return file


def prepare(name: str) -> None:
    """Builds the world, unless it is in the cache."""
    command = [str(install_mockserver()), "-m", "mockserver", "prepare", "--scenario", name]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, env=environment_without_settings())
