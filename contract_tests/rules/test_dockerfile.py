"""The Dockerfile is read, not built: these are the rules that it has to keep."""

import json
import re
import subprocess
import sys
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parents[2]


@dataclass(frozen=True)
class Instruction:
    name: str
    text: str

    @property
    def words(self) -> list[str]:
        return self.text.split()


@pytest.fixture(scope="session")
def dockerfile() -> list[Instruction]:
    return instructions_of((REPOSITORY / "Dockerfile").read_text())


def test_there_are_two_stages_on_one_base(dockerfile: list[Instruction]) -> None:
    bases = [instruction.words[0] for instruction in dockerfile if instruction.name == "FROM"]
    assert bases == ["python:3.13-slim"] * 2


def test_it_runs_as_a_user_without_privileges(dockerfile: list[Instruction]) -> None:
    """The world is prepared by the user who will serve it, or its cache could not be used."""
    order = [(instruction.name, instruction.text) for instruction in last_stage(dockerfile)]
    [(position, user)] = [(place, text) for place, (name, text) in enumerate(order) if name == "USER"]
    assert user not in {"root", "0"}
    [prepared] = [place for place, (name, text) in enumerate(order) if name == "RUN" and "mockserver prepare" in text]
    assert position < prepared
    assert position < [name for name, _ in order].index("ENTRYPOINT")


@pytest.mark.parametrize(
    ("name", "command"),
    [
        ("ENTRYPOINT", ["mockserver"]),
        ("CMD", ["serve", "--host", "0.0.0.0"]),
    ],
)
def test_the_command_reaches_the_program_without_a_shell(
    dockerfile: list[Instruction], name: str, command: list[str]
) -> None:
    [instruction] = [instruction for instruction in last_stage(dockerfile) if instruction.name == name]
    assert json.loads(instruction.text) == command


def test_its_health_is_checked_on_the_port_that_is_set(dockerfile: list[Instruction]) -> None:
    [check] = [instruction for instruction in last_stage(dockerfile) if instruction.name == "HEALTHCHECK"]
    assert json.loads(check.text.partition("CMD")[2]) == ["mockserver", "health"]


def test_the_dependencies_have_a_layer_of_their_own(dockerfile: list[Instruction]) -> None:
    order = [f"{instruction.name} {instruction.text}" for instruction in dockerfile]
    [dependencies] = [place for place, line in enumerate(order) if line.startswith("RUN") and "requirements" in line]
    assert dependencies > order.index("COPY pyproject.toml ./")
    assert dependencies < order.index("COPY mockserver ./mockserver")
    code = next(re.findall(r'python -c "(.*?)"', line)[0] for line in order if "tomllib" in line)
    ended = subprocess.run([sys.executable, "-c", code], cwd=REPOSITORY, capture_output=True, text=True, check=True)
    assert {"click", "starlette"} <= {re.split("[<>=]", line)[0] for line in ended.stdout.splitlines()}


def test_any_user_of_group_0_may_write_to_the_cache(dockerfile: list[Instruction]) -> None:
    lines = [instruction.text for instruction in last_stage(dockerfile) if instruction.name == "RUN"]
    assert any("--group=0 --mode=2775 /var/cache/mockserver" in line for line in lines)
    assert any("-type d -exec chmod g+ws" in line for line in lines)


def test_what_is_copied_exists_and_is_not_ignored(dockerfile: list[Instruction]) -> None:
    sources = list_copied(dockerfile)
    assert "mockserver" in sources
    ignored = (REPOSITORY / ".dockerignore").read_text()
    assert [source for source in sources if not (REPOSITORY / source).exists()] == []
    assert [source for source in sources if is_ignored(source, ignored)] == []


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("mockserver/app.py", False),
        ("mockserver/api/__pycache__/auth.pyc", True),
        (".venv/bin/python", True),
        ("contract_tests/serving.py", True),
    ],
)
def test_only_the_wheels_own_files_are_sent_to_the_build(path: str, expected: bool) -> None:
    assert is_ignored(path, (REPOSITORY / ".dockerignore").read_text()) is expected


def instructions_of(dockerfile: str) -> list[Instruction]:
    lines = [line for line in dockerfile.splitlines() if not line.lstrip().startswith("#")]
    joined = re.sub(r"\\\n", " ", "\n".join(lines))
    split = [line.strip().partition(" ") for line in joined.splitlines() if line.strip()]
    return [Instruction(name.upper(), text.strip()) for name, _, text in split]


def last_stage(dockerfile: list[Instruction]) -> list[Instruction]:
    starts = [place for place, instruction in enumerate(dockerfile) if instruction.name == "FROM"]
    return dockerfile[starts[-1] :]


def list_copied(dockerfile: list[Instruction]) -> list[str]:
    copies = [i.words for i in dockerfile if i.name in {"COPY", "ADD"} and "--from=" not in i.text]
    return [word for words in copies for word in words[:-1] if not word.startswith("--")]


def is_ignored(path: str, dockerignore: str) -> bool:
    """Whether the last line that matches the path, or a folder it is in, ignores it; in the syntax that we use."""
    parts = path.split("/")
    tails = ["/".join(parts[: end + 1]) for end in range(len(parts))]
    ignored = False
    for line in dockerignore.splitlines():
        pattern = line.removeprefix("!").removeprefix("**/")
        if pattern and not line.startswith("#"):
            inside_any_folder = parts if "**/" in line else tails
            if any(fnmatch(part, pattern) for part in inside_any_folder):
                ignored = not line.startswith("!")
    return ignored
