"""`mockserver scenario`: files are checked, and written from a template, an ontology or a project."""

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from contract_tests.serving import ServedWorld
from mockserver.__main__ import main
from mockserver.generate.features import build_ontology
from mockserver.generate.scenario import load, parse
from mockserver.generate.scenario_files import find
from mockserver.generate.scenario_writer import NewProject, convert_ontology, render_scenario

DEFAULT = load(find("default"))


def run(*arguments: str, text: str | None = None, **environment: str) -> Result:
    return CliRunner().invoke(main, ["scenario", *arguments], input=text, env=environment)


# check


def test_a_good_file_is_summarised(tmp_path: Path) -> None:
    (tmp_path / "good.toml").write_text('description = "d"\nlike = "default"\n')
    ended = run("check", str(tmp_path / "good.toml"), "states")
    assert ended.exit_code == 0
    assert ended.stdout.splitlines()[0] == f"{tmp_path / 'good.toml'}: {len(DEFAULT.projects)} projects, 98 data rows"


def test_each_wrong_file_is_named_with_its_line(tmp_path: Path) -> None:
    (tmp_path / "wrong.toml").write_text('description = "d"\n\nprojets = []\n')
    ended = run("check", str(tmp_path / "wrong.toml"), "nowhere.toml", "default")
    assert ended.exit_code == 1
    first, second = ended.stderr.splitlines()
    assert first.startswith(f"mockserver: {tmp_path / 'wrong.toml'}:3: at $: there is no key 'projets'")
    assert "nowhere.toml" in second
    assert ended.stdout.startswith("default: ")
    results = json.loads(run("check", str(tmp_path / "wrong.toml"), "default", "--json").stdout)
    assert [result["error"] is None for result in results] == [False, True]


# init


def test_a_template_is_a_scenario_that_can_be_served(tmp_path: Path) -> None:
    file = tmp_path / "mine.toml"
    ended = run("init", "--media", "image", "--media", "text", "-o", str(file))
    assert (ended.exit_code, ended.stdout) == (0, ""), ended.stderr
    assert "Serve it with: mockserver serve --scenario " in ended.stderr
    plan = load(file)
    assert [(project.name, project.media) for project in plan.projects] == [("my image", "image"), ("my text", "text")]
    with ServedWorld(scenario=str(file)) as server:
        assert set(server.own.projects) == {"my image", "my text"}
        assert server.own.expected_rows("my image")


@pytest.mark.parametrize("key", list(DEFAULT.ontologies))
def test_every_ontology_is_the_same_after_it_was_written_and_read(key: str) -> None:
    ontology = DEFAULT.ontologies[key]
    text = render_scenario("d", [NewProject('My "project" – größe', ontology)])
    plan = parse(text.encode(), source="new")
    assert list(plan.ontologies.values()) == [ontology]


# from-ontology, from-project


@pytest.mark.parametrize("key", list(DEFAULT.ontologies))
def test_an_ontology_of_the_sdk_becomes_the_same_ontology(key: str) -> None:
    ontology = DEFAULT.ontologies[key]
    normalized = json.loads(build_ontology(0, key, ontology).normalized)
    plan, left_out = convert_ontology(normalized, ontology.media)
    assert left_out == []
    again = json.loads(build_ontology(0, key, plan).normalized)
    assert without_ids(again) == without_ids(normalized)


def without_ids(part: Any) -> Any:
    if isinstance(part, dict):
        return {key: without_ids(value) for key, value in part.items() if not key.endswith("Id")}
    return [without_ids(item) for item in part] if isinstance(part, list) else part


def test_tools_that_no_scenario_has_are_reported(tmp_path: Path) -> None:
    normalized = {
        "tools": [
            {"tool": "cuboid", "name": "Crate", "color": "#fff"},
            {"tool": "superpixel", "name": 'Road "A"', "color": "#00ff00", "classifications": []},
        ],
        "classifications": [
            {"type": "dropdown", "instructions": "Kind?", "name": "kind", "options": [{"label": "a", "value": "a1"}]}
        ],
    }
    ended = run("from-ontology", "-", "--media", "image", "-o", str(tmp_path / "a.toml"), text=json.dumps(normalized))
    assert ended.exit_code == 0, ended.stderr
    assert "left out, as no scenario for image has it: tool 'Crate': 'cuboid'" in ended.stderr
    [ontology] = load(tmp_path / "a.toml").ontologies.values()
    assert [(tool.name, tool.tool) for tool in ontology.tools] == [('Road "A"', "raster-segmentation")]
    assert [(question.name, question.type) for question in ontology.questions] == [("Kind?", "radio")]


def test_a_project_of_a_server_becomes_a_scenario(server: ServedWorld, tmp_path: Path) -> None:
    file = tmp_path / "copy.toml"
    ended = run(
        "from-project", server.projects["image"], "--endpoint", server.graphql_url, "-o", str(file),
        LABELBOX_API_KEY=server.api_key,
    )  # fmt: skip
    assert ended.exit_code == 0, ended.stderr
    [project] = load(file).projects
    assert (project.name, project.media) == ("image", "image")


@pytest.mark.parametrize(
    ("arguments", "text", "message"),
    [
        (("from-ontology", "-", "--media", "image"), "[]", "This is no ontology"),
        (("from-ontology", "-", "--media", "image"), "{", "is not JSON"),
        (("from-ontology", "-", "--media", "image"), '{"tools": [{}]}', "The ontology lacks"),
        (("from-ontology", "/no/such/file", "--media", "image"), None, "cannot be read"),
        (("from-ontology", "-", "--media", "picture"), "{}", "Invalid value for '--media'"),
        (("from-project", "x", "--endpoint", "nowhere", "--key", "k"), None, "expected a URL like"),
        (("from-project", "x", "--endpoint", "http://127.0.0.1:9/graphql", "--key", "k"), None, "did not answer with"),
        (("init", "--media", "llm-prompt"), None, "has no ontology for llm-prompt"),
        (("init", "-o", "/no/such/folder/a.toml"), None, "--output is '/no/such/folder/a.toml'"),
        (("check",), None, "Missing argument"),
    ],
)
def test_a_mistake_is_refused_with_a_reason(arguments: tuple[str, ...], text: str | None, message: str) -> None:
    ended = run(*arguments, text=text)
    assert (ended.exit_code, ended.stdout) == (2, "")
    assert message in ended.stderr
    assert "Traceback" not in ended.stderr


def test_a_project_that_is_not_there_is_refused(server: ServedWorld) -> None:
    ended = run("from-project", "nobody", "--endpoint", server.graphql_url, "--key", server.api_key)
    assert (ended.exit_code, ended.stdout) == (2, "")
    assert "has no project 'nobody' for this key" in ended.stderr
