"""The served worlds: street.toml in the size that is asked for."""

import subprocess
from pathlib import Path

from benchmarks.environments import BENCH_CACHE, mockserver_python
from contract_tests.serving import ServedWorld, environment_without_settings

STREET = Path(__file__).parent / "street.toml"
PROJECT = "street"


def street(rows: int, *, embeddings: bool = False, options: tuple[str, ...] = ()) -> ServedWorld:
    """A server of so many labelled pictures, its world made beforehand."""
    file = scenario(rows, embeddings=embeddings)
    prepare(str(file))
    return ServedWorld("--scenario", str(file), *options, python=mockserver_python())


def default() -> ServedWorld:
    prepare("default")
    return ServedWorld(python=mockserver_python())


def scenario(rows: int, *, embeddings: bool) -> Path:
    """street.toml with another number of rows, or with embeddings."""
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
    """Make the world now or find it in the cache."""
    command = [str(mockserver_python()), "-m", "mockserver", "prepare", "--scenario", name]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, env=environment_without_settings())
