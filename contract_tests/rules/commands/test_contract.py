"""`mockserver contract` as users call it: its status, its files, its refusals."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import pytest
import requests

from contract_tests.forking import run_forked
from contract_tests.rules.contract import clients
from contract_tests.rules.pages import REPOSITORY, files_of

SCRIPT = """
import json, os, sys
from exports import Client

client = Client(os.environ["LABELBOX_GRAPHQL_URL"], os.environ["LABELBOX_REST_URL"], os.environ["LABELBOX_API_KEY"])
rows = list(client.export_rows({"project": sys.argv[1]}, {"label_details": True}, {}))
if list(client.export_errors()):
    sys.exit("some data rows failed")
with open("rows.json", "w") as file:
    json.dump(rows, file)
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "exports.py").write_text(files_of("contract.md")["exports.py"])
    (tmp_path / "script.py").write_text(SCRIPT)
    return tmp_path


def run(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHONPATH": str(REPOSITORY)}
    return run_forked("contract", *arguments, cwd=folder, env=environment, timeout=240)


def test_a_client_that_keeps_the_contract_has_status_0_and_every_report(folder: Path) -> None:
    files = ["--json", "r.json", "--junit", "r.xml", "--html", "r.html", "--summary", "r.md"]
    finished = run(folder, "--client", "exports:Client", "--case", "project", "--case", "failed-rows", *files)
    assert finished.returncode == 0, finished.stdout + finished.stderr
    assert finished.stdout.splitlines()[-1].startswith("KEPT: 2 passed, 0 failed")
    assert json.loads((folder / "r.json").read_text())["kept"] is True
    assert ElementTree.parse(folder / "r.xml").getroot().get("tests") == "2"
    assert "curl -sS" in (folder / "r.html").read_text()
    assert (folder / "r.md").read_text().startswith("## The contract of exports:Client")


def test_a_client_that_breaks_it_has_status_1_unless_that_is_known(folder: Path) -> None:
    arguments = ["--client", f"{clients.__name__}:DropsLastLine", "--case", "project"]
    finished = run(folder, *arguments, "--json", "earlier.json")
    assert finished.returncode == 1
    assert "The last row is missing [last-row-lost]" in finished.stdout
    (folder / "known.txt").write_text("project\n")
    assert run(folder, *arguments, "--known-failing", "known.txt").returncode == 0
    assert run(folder, *arguments, "--baseline", "earlier.json").returncode == 0


def test_a_program_in_another_language_is_tried(folder: Path) -> None:
    module = clients.__name__
    finished = run(folder, "--case", "project", "--", sys.executable, "-m", module, "answer_wrong_types")
    assert finished.returncode == 1
    assert "Its answers have wrong types" in finished.stdout


def test_a_script_is_judged_by_its_status_and_its_file(folder: Path) -> None:
    arguments = [
        "--run",
        f"{sys.executable} script.py {{project}}",
        "--reads",
        "rows.json",
        "--params",
        "label_details",
    ]
    cases = [word for case in ("project", "failed-rows", "failed-export", "slice") for word in ("--case", case)]
    finished = run(folder, *arguments, *cases)
    assert finished.returncode == 0, finished.stdout + finished.stderr
    assert finished.stdout.splitlines()[-1].startswith(
        "KEPT: 3 passed, 0 failed, 0 with a remark, 0 noted, 1 not offered"
    )
    assert "exit status 1: some data rows failed" in finished.stdout


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "give the client as one of"),
        (["--client", "exports:Client", "--", "node"], "give the client as one of"),
        (["--client", "exports"], "expected a module and a class"),
        (["--client", "nothing:Client"], "No module named 'nothing'"),
        (["--client", "exports:Nothing"], "has no attribute 'Nothing'"),
        (["--client", "exports:fetch"], "unexpected keyword argument"),
        (["--client", "exports:Client", "--python", "/no/python"], "No such file or directory"),
        (["--client", "exports:Client", "--case", "projekt"], "unknown case 'projekt'; the nearest known are"),
        (["--client", "exports:Client", "--profile", "row"], "unknown profile 'row'; the nearest known are"),
        (["--client", "exports:Client", "--params", "attachments"], "--params belongs to --run"),
        (["--client", "exports:Client", "--json", "no/r.json"], "no/r.json cannot be written: there is no folder no"),
        (["--run", "python script.py"], "--run and --reads belong together"),
        (["--run", "'", "--reads", "x"], "which a shell could not read"),
        (["--run", "x", "--reads", "x", "--params", "label_detail"], "the nearest known are \"label_details\""),
        (["--", "false"], "it ended with status 1"),
        (["--", "echo", "hello"], "it printed hello"),
    ],
)  # fmt: skip
def test_a_wrong_start_has_status_2_and_one_line(folder: Path, arguments: list[str], message: str) -> None:
    finished = run(folder, *arguments)
    assert finished.returncode == 2, finished.stdout + finished.stderr
    assert message in finished.stderr
    assert "Traceback" not in finished.stderr


def test_the_workspaces_are_served_on_with_keep(folder: Path) -> None:
    command = [
        sys.executable,
        "-m",
        "mockserver",
        "contract",
        "--client",
        "exports:Client",
        "--case",
        "project",
        "--keep",
    ]
    environment = {**os.environ, "PYTHONPATH": str(REPOSITORY)}
    with subprocess.Popen(command, cwd=folder, env=environment, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        lines: list[str] = []
        while not lines or not lines[-1].startswith("   project"):
            lines.append(process.stdout.readline())
            assert lines[-1], "".join(lines)
            if "Served at" in lines[-1]:
                url = lines[-1].split()[2]
                key = process.stdout.readline().split()[1]
                break
        answer = requests.get(f"{url}/_mock/ready", params={"api_key": key}, timeout=30)
        assert answer.json()["api_key"] == key
        process.send_signal(signal.SIGINT)
        assert process.wait(60) == 0


def test_cases_and_schemas_are_printed_without_a_server(folder: Path) -> None:
    assert run(folder, "--cases").stdout.startswith("project ")
    assert json.loads(run(folder, "--schema", "result").stdout)["properties"]["format"] == {"const": 1}
