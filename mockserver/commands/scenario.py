"""`mockserver scenario check|init|from-ontology|from-project`: scenario files checked and written."""

from __future__ import annotations

import json
import os
import sys
import urllib.request
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from mockserver.commands.generate import open_output
from mockserver.commands.options import fail
from mockserver.errors import ScenarioError, StartupError
from mockserver.world.media import BY_NAME

MEDIA = click.Choice(list(BY_NAME))
OUTPUT = click.option("-o", "--output", default="-", metavar="FILE", help="Where to; - for standard output.")
ENDPOINT = "https://api.labelbox.com/graphql"
QUERY = "query($id: ID!) { project(where: {id: $id}) { name mediaType: allowedMediaType ontology { normalized } } }"
SECONDS = 60
INVALID = 1


@click.group()
def scenario() -> None:
    """Checks scenario files, and writes them from a template, an ontology or a project."""


@scenario.command()
@click.argument("files", nargs=-1, required=True, metavar="FILE…")
@click.option("--json", "as_json", is_flag=True, help="Print the results as JSON.")
def check(files: tuple[str, ...], as_json: bool) -> None:
    """Checks files without serving them. Status 1 if one has a mistake, with its line and key path."""
    results = [check_file(file) for file in files]
    if as_json:
        click.echo(json.dumps(results, indent=2, ensure_ascii=False))
    for result in results if not as_json else ():
        if result["error"] is not None:
            click.echo(f"mockserver: {result['error']}", err=True)
        else:
            click.echo(f"{result['file']}: {result['projects']} projects, {result['data_rows']:,} data rows")
    raise SystemExit(INVALID if any(result["error"] for result in results) else 0)


def check_file(file: str) -> dict[str, Any]:
    """The numbers of projects and data rows of a file, or its mistake."""
    from mockserver.generate.prepared import count_data_rows
    from mockserver.generate.scenario import load
    from mockserver.generate.scenario_files import find

    try:
        plan = load(find(file))
    except ScenarioError as error:
        return {"file": file, "projects": None, "data_rows": None, "error": str(error)}
    return {"file": file, "projects": len(plan.projects), "data_rows": count_data_rows(plan), "error": None}


@scenario.command()
@click.option("--media", "media", multiple=True, type=MEDIA, help="A project of this media type; may be repeated.")
@OUTPUT
def init(media: tuple[str, ...], output: str) -> None:
    """Writes a file to begin with: projects with the ontologies of the scenario `default`."""
    from mockserver.generate import scenario as scenarios
    from mockserver.generate import scenario_files
    from mockserver.generate.scenario_writer import NewProject

    plan = scenarios.load(scenario_files.find("default"))
    projects = []
    for word in media or ("image",):
        known = next((one for one in plan.ontologies.values() if one.media == word), None)
        if known is None:
            names = ", ".join(sorted({one.media for one in plan.ontologies.values()}))
            fail(StartupError(f"the scenario `default` has no ontology for {word}; it has {names}"))
        projects.append(NewProject(f"my {word}", known))
    write("My scenario.", projects, output)


@scenario.command("from-ontology")
@click.argument("file", metavar="FILE")
@click.option("--media", required=True, type=MEDIA, help="The media type of its project.")
@click.option("--name", default="my project", show_default=True, help="The name of the project.")
@OUTPUT
def from_ontology(file: str, media: str, name: str, output: str) -> None:
    """Writes a file with an ontology: the JSON of `project.ontology().normalized`; - is standard input."""
    try:
        text = sys.stdin.read() if file == "-" else Path(file).read_text("utf-8")
        write_ontology(json.loads(text), media, name, output)
    except (OSError, UnicodeDecodeError) as error:
        fail(StartupError(f"{file} cannot be read: {error}; give a file, or - for standard input"))
    except json.JSONDecodeError as error:
        fail(StartupError(f"{file} is not JSON ({error}); give what `project.ontology().normalized` returns, as JSON"))


@scenario.command("from-project")
@click.argument("project", metavar="ID")
@click.option("--endpoint", default=ENDPOINT, show_default=True, metavar="URL", help="The GraphQL address.")
@click.option("--key", envvar="LABELBOX_API_KEY", show_envvar=True, required=True, help="The API key for it.")
@click.option("--media", type=MEDIA, help="The media type. Default: as the project says.")
@OUTPUT
def from_project(project: str, endpoint: str, key: str, media: str | None, output: str) -> None:
    """Writes a file with the ontology of a project, which is read from the service or from any server like it."""
    from mockserver.generate.scenario_writer import find_media

    try:
        record = read_project(project, endpoint, key)
        word = media or find_media(record["mediaType"])
        write_ontology((record["ontology"] or {}).get("normalized"), word, record["name"], output)
    except ScenarioError as error:
        fail(error)


def read_project(project: str, endpoint: str, key: str) -> dict[str, Any]:
    """Name, media type and ontology of a project. Raises ScenarioError."""
    body = json.dumps({"query": QUERY, "variables": {"id": project}}).encode()
    headers = {"Content-Type": "application/json", "Authorization": f"Bearer {key}"}
    if not endpoint.startswith(("http://", "https://")):
        raise ScenarioError(f"--endpoint is {endpoint!r}; expected a URL like {ENDPOINT}")
    request = urllib.request.Request(endpoint, body, headers)  # noqa: S310  checked above
    try:
        with urllib.request.urlopen(request, timeout=SECONDS) as response:  # noqa: S310  checked above
            answer = json.load(response)
    except (OSError, ValueError) as error:
        raise ScenarioError(
            f"{endpoint} did not answer with a project ({error}); check the address and the key"
        ) from None
    if not isinstance(answer, dict) or not (answer.get("data") or {}).get("project"):
        reasons = "; ".join(str(error.get("message")) for error in (answer or {}).get("errors") or [])
        raise ScenarioError(f"{endpoint} has no project {project!r} for this key{': ' + reasons if reasons else ''}")
    record: dict[str, Any] = answer["data"]["project"]
    return record


def write_ontology(normalized: Any, media: str, name: str, output: str) -> None:
    """Writes a scenario with one project, and says on standard error what no scenario can hold."""
    from mockserver.generate.scenario_writer import NewProject, convert_ontology

    try:
        plan, left_out = convert_ontology(normalized, media)
    except ScenarioError as error:
        fail(error)
    for item in left_out:
        click.echo(f"mockserver: left out, as no scenario for {media} has it: {item}", err=True)
    write(f"The ontology of {name!r}.", [NewProject(name, plan, left_out)], output)


def write(description: str, projects: Sequence[Any], output: str) -> None:
    """Writes a scenario that has been checked."""
    from mockserver.generate.scenario import parse
    from mockserver.generate.scenario_writer import render_scenario

    try:
        text = render_scenario(description, projects).encode()
        parse(text, source="the new scenario")
        with open_output(output) as file:
            file.write(text)
    except StartupError as error:
        fail(error)
    if output != "-":
        click.echo(f"Serve it with: mockserver serve --scenario {os.path.relpath(output)}", err=True)
