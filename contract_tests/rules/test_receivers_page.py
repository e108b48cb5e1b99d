"""docs/receivers.md, done as it says: the receiver it has one write, sent to, certified, tested and run in CI."""

import os
import re
import signal
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from fnmatch import fnmatchcase
from functools import partial
from pathlib import Path
from xml.etree import ElementTree

import pytest

from contract_tests.rules.installed import active, environment, requirements_in
from contract_tests.rules.pages import REPOSITORY, as_pattern, bare, blocks_in, files_of, section, shell_lines_of, table
from contract_tests.rules.test_recipes import commands_of
from contract_tests.waiting import wait_for
from mockserver.certification import CASES, patterns
from mockserver.certification.mistakes import SINGLE
from mockserver.certification.rotation import RETIRED, ROTATION
from mockserver.webhooks.misbehaviour import MISBEHAVIOURS

PAGE = "receivers.md"
TABLES = "docs/receiver-cases.md"
PRINTED_PORT = "3001"

pytestmark = pytest.mark.xdist_group("receivers")


@pytest.fixture(scope="module")
def programs() -> Path:
    [line] = [line for line in shell_lines_of(PAGE) if line.startswith("pip install")]
    return environment("receivers-page", *requirements_in(line))


@pytest.fixture
def port() -> str:
    """A free one in the place of the page's."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        return str(taken.getsockname()[1])


def type_lines(line: str, folder: Path, programs: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["bash", "-c", line], cwd=folder, env=active(programs), capture_output=True, text=True, check=False, timeout=100
    )


@contextmanager
def start_receiver(line: str, folder: Path, programs: Path, port: str) -> Iterator[None]:
    """A receiver that the page starts in the background, listening."""
    command = ["bash", "-c", line.removesuffix("&")]
    with subprocess.Popen(command, cwd=folder, env=active(programs), start_new_session=True) as process:
        try:
            wait_for(partial(is_listening, port))
            yield
        finally:
            os.killpg(process.pid, signal.SIGTERM)


def is_listening(port: str) -> bool:
    try:
        socket.create_connection(("127.0.0.1", int(port)), timeout=30).close()
    except OSError:
        return False
    return True


def receiver(port: str) -> str:
    return files_of(PAGE)["receiver.py"].replace(PRINTED_PORT, port)


def render_output(heading: str, language: str) -> list[str]:
    """The lines of the block of a section."""
    [text] = [b.text for b in blocks_in(section(f"docs/{PAGE}", heading), PAGE) if b.language == language]
    return text.splitlines()


def test_the_receiver_takes_what_is_sent_and_is_certified(programs: Path, tmp_path: Path, port: str) -> None:
    (tmp_path / "receiver.py").write_text(receiver(port))
    start, *sendings = (line.replace(PRINTED_PORT, port) for line in render_output("Send it a message", "shell"))
    [certify] = (line.replace(PRINTED_PORT, port) for line in render_output("Certify it", "shell"))
    with start_receiver(start, tmp_path, programs, port):
        sent = [type_lines(line, tmp_path, programs) for line in sendings]
        certified = type_lines(certify, tmp_path, programs)
    printed = "".join(each.stdout for each in sent).splitlines()
    assert all(map(fnmatchcase, printed, map(as_pattern, render_output("Send it a message", "text")))), printed
    assert (len(printed), certified.returncode) == (3, 0), certified.stdout
    printed = certified.stdout.replace(port, PRINTED_PORT).splitlines()
    wanted = [line for line in render_output("Certify it", "text") if line.strip() not in {"", "…"}]
    assert [line for line in wanted if not any(fnmatchcase(one, as_pattern(line)) for one in printed)] == []


def test_the_mistake_that_the_page_suggests_is_named(programs: Path, tmp_path: Path, port: str) -> None:
    (tmp_path / "receiver.py").write_text(receiver(port).replace('"sha1="', '"sha256="'))
    [start, *_] = render_output("Send it a message", "shell")
    [certify] = (line.replace(PRINTED_PORT, port) for line in render_output("Certify it", "shell"))
    with start_receiver(start, tmp_path, programs, port):
        certified = type_lines(certify, tmp_path, programs)
    assert certified.returncode == 1
    assert "What is likely wrong" in certified.stdout


def test_the_test_of_the_page_is_green(programs: Path, tmp_path: Path) -> None:
    for name in ("receiver.py", "test_receiver.py"):
        (tmp_path / name).write_text(files_of(PAGE)[name])
    [line] = [line for line in shell_lines_of(PAGE) if line == "pytest"]
    finished = type_lines(f"{line} -W error", tmp_path, programs)
    assert "1 passed" in finished.stdout, finished.stdout


def test_the_recipe_certifies_and_writes_its_report(programs: Path, tmp_path: Path, port: str) -> None:
    (tmp_path / "receiver.py").write_text(receiver(port))
    _, start, wait, certify = (line.replace(PRINTED_PORT, port) for line in commands_of(files_of(PAGE)["receiver.yml"]))
    with start_receiver(start, tmp_path, programs, port):
        assert type_lines(wait, tmp_path, programs).returncode == 0
        finished = type_lines(certify, tmp_path, programs)
    assert finished.returncode == 0, finished.stdout
    root = ElementTree.parse(tmp_path / "certification.xml").getroot()
    assert (root.get("failures"), root.get("tests")) == ("0", str(len(CASES)))


def rows(text: str) -> list[list[str]]:
    """The lines of all tables."""
    return [row for part in re.split(r"\n\n", text) if part.startswith("|") for row in table(part)]


def test_every_misbehaviour_is_documented() -> None:
    documented = {bare(name): text for name, text in table(section(TABLES, "Wrong messages"))}
    assert documented == {name: each.summary for name, each in MISBEHAVIOURS.items()}


def test_every_case_is_documented_with_its_weight() -> None:
    documented = [(bare(name), level, wanted) for name, level, wanted, _ in rows(section(TABLES, "Cases"))]
    assert documented == [(case.name, case.level, case.expect) for case in (*CASES, *ROTATION, *RETIRED)]


def test_every_mistake_that_can_be_named_is_documented() -> None:
    documented = [bare(name) for name, _ in rows(section(TABLES, "Mistakes"))]
    assert documented == [each.name for each in (*SINGLE, *patterns.EVERY)]


def test_the_page_is_one_of_the_documentation() -> None:
    assert f"docs/{PAGE}" in (REPOSITORY / "README.md").read_text()


def test_every_misbehaviour_of_a_webhook_is_documented() -> None:
    documented = section("docs/webhooks.md", "Misbehaviour")
    assert [name for name in MISBEHAVIOURS if f"`{name}`" not in documented] == []
