"""The verbs that control a running server, as a user types them."""

import json
import re
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import requests
from click.testing import CliRunner, Result

from contract_tests.receiving import Receiver
from contract_tests.rules.pages import bare, section, table
from contract_tests.serving import ServedWorld
from mockserver.__main__ import main
from mockserver.commands.control.verbs import VERBS
from mockserver.control.monitoring import Monitoring, RequestCounts
from mockserver.control.routes import list_controls
from mockserver.settings import Settings
from mockserver.testing import MockWorkspace


def run(workspace: MockWorkspace, *arguments: str, **environment: str) -> Result:
    settings = {
        "LABELBOX_MOCKSERVER_SERVER": workspace.url,
        "LABELBOX_MOCKSERVER_API_KEY": workspace.api_key,
        **environment,
    }
    return CliRunner().invoke(main, arguments, env=settings)


def read(workspace: MockWorkspace, *arguments: str) -> Any:
    """The answer of a verb as JSON."""
    ended = run(workspace, *arguments, "--json")
    assert (ended.exit_code, ended.stderr) == (0, ""), ended.stderr
    return json.loads(ended.stdout)


def test_every_control_has_a_verb() -> None:
    journals: Any = type("Journals", (), {"unclaimed": None})
    known = list_controls(Settings(), None, ThreadPoolExecutor(1), journals, Monitoring(RequestCounts()))  # type: ignore[arg-type]  # never called
    calls = {(verb.method, verb.path.partition("{")[0]) for verb in VERBS}
    calls |= {("GET", verb.path) for verb in VERBS if verb.reads}
    missing = [
        (item.method, item.path) for item in known
        if (item.method, item.path.removeprefix("/_mock/").partition("{")[0]) not in calls
    ]  # fmt: skip
    assert missing == []


LEFT_OUT = {
    "workspaces create": {"api_key", "fork_of"},  # --key; the verb `fork`
    "fork": {"api_key", "fork_of", "scenario", "seed", "ends"},  # --key, --api-key; those of its origin
    "webhooks change": {"url"},  # --target
    "deliveries": {"first", "after"},  # all pages are read
    "requests": {"after"},
}
"""Keys of calls without an option of their name, by verb."""


def list_keys(document: Any, verb: Any) -> set[str]:
    """The keys of the body, or of the query, that the call of a verb takes."""
    paths = {re.sub(r"{\w+}", "{}", path): operations for path, operations in document["paths"].items()}
    operation = paths["/_mock/" + re.sub(r"{\w+}", "{}", verb.path)][verb.method.lower()]
    if verb.method in {"GET", "DELETE"}:
        return {item["name"] for item in operation.get("parameters", []) if item["in"] == "query"} - {"api_key"}
    schema = operation.get("requestBody", {}).get("content", {}).get("application/json", {}).get("schema", {})
    while "$ref" in schema:
        schema = document["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
    return set(schema.get("properties", {}))


@pytest.mark.parametrize("verb", [verb for verb in VERBS if verb.name != "switches"], ids=lambda verb: verb.name)
def test_every_key_of_a_call_is_an_option_of_its_verb(workspace: MockWorkspace, verb: Any) -> None:
    document = requests.get(f"{workspace.url}/_mock/openapi.json", timeout=60).json()
    options = {param.name for param in verb.params}
    assert list_keys(document, verb) - options - LEFT_OUT.get(verb.name, set()) == set()


def test_a_workspace_is_created_with_switches_and_repeats_the_ids_of_its_incarnation(workspace: MockWorkspace) -> None:
    keys = []
    for number in (1, 2):
        options = ("--scenario", "empty", "--switch", "frames=direct", "--switch", "masks=plain", "--incarnation", "7")
        keys.append(read(workspace, "workspaces", "create", "--key", f"cli-{number}", *options)["api_key"])
    for key in keys:
        switches = read(workspace, "switches", "--api-key", key)
        assert (switches["frames"], switches["masks"]) == ("direct", "plain")
        read(workspace, "workspaces", "delete", key)
    assert keys == ["cli-1", "cli-2"]
    refused = run(workspace, "workspaces", "create", "--switch", "frames")
    assert refused.exit_code == 2
    assert "expected NAME=VALUE" in refused.stderr


def test_imports_take_time_and_requests_are_listed_without_bodies(workspace: MockWorkspace) -> None:
    assert read(workspace, "progression", "--imports", "looks=2")["imports"] == {"looks": 2}
    newest = read(workspace, "requests", "--order", "newest", "--bodies", "false", "--limit", "1")
    assert "requests" in newest


@pytest.mark.parametrize(
    "verb",
    [verb for verb in VERBS if (verb.reads or verb.method == "GET") and "{" not in verb.path],
    ids=lambda verb: verb.name,
)
def test_what_is_shown_as_text_is_also_printed_as_json(workspace: MockWorkspace, verb: Any) -> None:
    text = run(workspace, *verb.name.split())
    assert (text.exit_code, text.stderr) == (0, "")
    assert text.stdout.strip()
    assert "\x1b" not in text.stdout, "colours are for terminals"
    assert isinstance(read(workspace, *verb.name.split()), dict)


def test_every_verb_is_documented_with_its_call() -> None:
    rows = table(section("docs/command-line.md", "Control a running server"))[: len(VERBS)]
    documented = {
        " ".join(word for word in bare(name).split() if word.islower()): bare(path)
        for name, _, path in rows[: len(VERBS)]
    }
    assert documented == {
        verb.name: f"{'GET, ' if verb.reads else ''}{verb.method} /_mock/{verb.path}" for verb in VERBS
    }


def test_the_clock_is_moved_and_stopped(workspace: MockWorkspace) -> None:
    run(workspace, "clock", "--freeze", "--set", "2025-03-01T00:00:00Z")
    assert read(workspace, "clock", "--advance", "1d12h") == {"now": "2025-03-02T12:00:00.000Z", "frozen": True}
    assert read(workspace, "clock", "--thaw")["frozen"] is False


@pytest.mark.parametrize(
    ("pace", "expected"), [("at_once", "at_once"), ("looks=2", {"looks": 2}), ("seconds=1.5", {"seconds": 1.5})]
)
def test_the_progression_is_changed(workspace: MockWorkspace, pace: str, expected: Any) -> None:
    assert read(workspace, "progression", "--exports", pace)["exports"] == expected


def test_switches_are_set_by_name(workspace: MockWorkspace) -> None:
    changed = read(workspace, "switches", "frames=direct", "characters=utf-8")
    assert (changed["frames"], changed["characters"]) == ("direct", "utf-8")
    assert run(workspace, "switches", "frames").exit_code == 2


def test_an_event_is_delivered_and_delivered_again(workspace: MockWorkspace) -> None:
    with Receiver() as receiver:
        webhook = read(workspace, "webhooks", "add", receiver.url, "--secret", "s", "--topic", "LABEL_CREATED")
        assert webhook["warning"] is None
        event = read(workspace, "event", "LABEL_CREATED", "image")
        [delivery] = read(workspace, "deliveries", "--wait", "30", "--webhook", "last")["deliveries"]
        assert (delivery["label_id"], delivery["state"]) == (event["label_id"], "DELIVERED")
        assert read(workspace, "deliveries", "redeliver")["id"] == delivery["id"]
        [again] = read(workspace, "deliveries", "--wait", "30")["deliveries"]
        assert [attempt["status"] for attempt in again["attempts"]] == [200, 200]
        assert read(workspace, "webhooks", "replay", "--since", "2020-01-01") == {"deliveries": 1}
    assert read(workspace, "webhooks", "change", "last", "--status", "INACTIVE")["status"] == "INACTIVE"
    assert run(workspace, "webhooks", "delete", "last").exit_code == 0
    assert run(workspace, "webhooks").stdout == "no webhooks\n"


def test_a_workspace_is_created_forked_reset_and_deleted(workspace: MockWorkspace) -> None:
    created = read(workspace, "workspaces", "create", "--scenario", "empty", "--seed", "4")
    fork = read(workspace, "fork")
    assert (created["projects"], fork["projects"]) == ({}, workspace.projects)
    assert {created["api_key"], fork["api_key"]} <= set(run(workspace, "workspaces").stdout.split())
    for key in (created["api_key"], fork["api_key"]):
        assert run(workspace, "workspaces", "delete", key).exit_code == 0
        assert run(workspace, "workspaces", "delete", key).exit_code == 1
    assert read(workspace, "reset")["projects"] == workspace.projects


def test_expected_rows_are_those_of_the_harness(workspace: MockWorkspace) -> None:
    filters = {"workflow_status": "InReview"}
    ended = run(
        workspace, "expected", "--project", "text", "--params", "project_details,attachments",
        "--filters", json.dumps(filters),
    )  # fmt: skip
    rows = [json.loads(line) for line in ended.stdout.splitlines()]
    params = {"project_details": True, "attachments": True}
    assert rows == workspace.expected_rows("text", params=params, filters=filters) != []


def test_faults_are_added_listed_and_cleared(workspace: MockWorkspace) -> None:
    row = workspace.expected_rows("image")[0]["data_row"]["global_key"]
    wanted = ("--message", "No disk", "--times", "2", "--data-row", row)
    added = read(workspace, "faults", "add", "export_rows_fail", *wanted)
    assert added["rule"] == {"fault": "export_rows_fail", "message": "No disk", "times": 2, "data_rows": [row]}
    assert "No disk" in run(workspace, "faults").stdout
    assert run(workspace, "faults", "clear").stdout == ""
    assert run(workspace, "faults").stdout == "no faults\n"


def test_requests_are_verified(workspace: MockWorkspace) -> None:
    ended = run(workspace, "requests", "verify", "--expect", '[{"operation": "NobodySentThis"}]')
    assert ended.exit_code == 1
    assert "NobodySentThis" in ended.stderr


@pytest.mark.parametrize(
    ("arguments", "status", "message"),
    [
        (("event", "LABEL_CREATE", "image"), 1, "mockserver: event is 'LABEL_CREATE'; expected one of "),
        (("event", "LABEL_CREATED", "imag"), 1, 'the nearest known are "image"'),
        (("clock", "--advance", "soon"), 2, "like 90, 2d or 1h30m"),
        (("progression", "--exports", "slow"), 2, "expected at_once, looks=2 or seconds=5"),
        (("expected", "--filters", "{"), 2, "is not JSON"),
        (("expected", "--filters", "@/no/such/file"), 2, "cannot be read"),
        (("webhooks", "add", "http://a/", "--secret", "s", "--retries", "x"), 2, "is no duration"),
        (("clock", "--server", "http://127.0.0.1:9"), 2, "Start it with `mockserver serve`"),
        (("clock", "--server", "nonsense"), 2, "mockserver: "),
        (("clock", "--server", "http://127.0.0.1:99999999"), 2, "mockserver: "),
        (("health", "--server", "http://127.0.0.1:9", "--wait", "0.2s"), 2, "does not answer"),
    ],
)  # fmt: skip
def test_a_mistake_has_a_status_and_a_reason(
    workspace: MockWorkspace, arguments: tuple[str, ...], status: int, message: str
) -> None:
    ended = run(workspace, *arguments)
    assert (ended.exit_code, ended.stdout) == (status, "")
    assert message in ended.stderr
    assert "Traceback" not in ended.stderr


def test_the_port_of_the_environment_is_the_port_of_the_health_check(server: ServedWorld) -> None:
    """A container's health check then follows its port."""
    port = server.url.rpartition(":")[2]
    ended = CliRunner().invoke(main, ["health"], env={"LABELBOX_MOCKSERVER_PORT": port})
    assert (ended.exit_code, ended.stdout.split()[0]) == (0, "ok")


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_a_shell_completes_verbs_and_scenarios(shell: str) -> None:
    assert "_MOCKSERVER_COMPLETE" in CliRunner().invoke(main, ["completion", shell]).stdout
    words = {
        "COMP_WORDS": "mockserver serve --scenario cla",
        "COMP_CWORD": "3",
        "_MOCKSERVER_COMPLETE": "bash_complete",
    }
    completed = CliRunner().invoke(main, [], env=words, prog_name="mockserver")
    assert "plain,classic-2023" in completed.stdout
