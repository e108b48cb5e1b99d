"""Everything that publishing the package needs: metadata, workflows, forms, and files for containers."""

import importlib.metadata
import re
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import click
import pytest
import yaml

from contract_tests.rules.pages import DOCUMENTS, NOT_PUBLISHED, PUBLISHED, REPOSITORY
from mockserver import __version__
from mockserver.__main__ import main as command

GITHUB = REPOSITORY / ".github"
WORKFLOWS = sorted((GITHUB / "workflows").glob("*.yml"))
PROJECT: dict[str, Any] = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())["project"]
SOURCE: str = PROJECT["urls"]["Source"]


def load(path: Path) -> Any:
    return yaml.safe_load(path.read_text("utf-8"))


def steps_of(path: Path) -> list[dict[str, Any]]:
    return [step for job in load(path)["jobs"].values() for step in job["steps"]]


pytest_plugins = ["pytester"]

# Metadata


def test_the_package_names_its_places_its_licence_and_its_authors() -> None:
    assert {"Homepage", "Documentation", "Changelog", "Issues", "Source"} <= PROJECT["urls"].keys()
    assert PROJECT["license"] == "Apache-2.0"
    assert PROJECT["authors"]
    metadata = importlib.metadata.metadata("labelbox-mockserver")
    assert metadata["License-Expression"] == "Apache-2.0"


def test_every_file_has_the_same_address_of_the_repository() -> None:
    files = [
        *GITHUB.rglob("*.*"),
        REPOSITORY / "CITATION.cff",
        REPOSITORY / "Dockerfile",
        REPOSITORY / "pyproject.toml",
    ]
    addresses = {
        url for file in files for url in re.findall(r"https://github\.com/[\w-]+/labelbox-mockserver", file.read_text())
    }
    assert addresses == {SOURCE}


def test_the_citation_has_the_version() -> None:
    citation = load(REPOSITORY / "CITATION.cff")
    assert (citation["version"], citation["license"], citation["repository-code"]) == (
        __version__,
        "Apache-2.0",
        SOURCE,
    )
    assert citation["cff-version"] == "1.2.0"
    assert citation["authors"]
    assert citation["title"] == PROJECT["name"]


# Workflows

SCHEMAS = {
    "github-workflows": [".github/workflows/test.yml", ".github/workflows/publish.yml"],
    "github-issue-forms": [".github/ISSUE_TEMPLATE/bug.yml", ".github/ISSUE_TEMPLATE/request.yml"],
    "github-issue-config": [".github/ISSUE_TEMPLATE/config.yml"],
    "dependabot": [".github/dependabot.yml"],
    "compose-spec": ["compose.yaml"],
    "citation-file-format": ["CITATION.cff"],
}
"""Schema of check-jsonschema -> the files that it describes."""


@pytest.mark.parametrize("schema", SCHEMAS)
def test_a_file_for_others_is_valid_by_their_schema(schema: str) -> None:
    command = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", f"vendor.{schema}", *SCHEMAS[schema]]
    ended = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stdout + ended.stderr


def test_no_file_for_others_is_left_unchecked() -> None:
    files = {path.relative_to(REPOSITORY).as_posix() for path in GITHUB.rglob("*.yml")}
    assert files <= {file for files in SCHEMAS.values() for file in files}


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: str(path.name))
def test_a_workflow_is_well_formed_and_has_few_rights(path: Path) -> None:
    workflow = load(path)
    assert workflow[True], "`on` is read as true by YAML 1.1"
    assert workflow["permissions"] == {"contents": "read"}
    for name, job in workflow["jobs"].items():
        assert job["timeout-minutes"] <= 60, name
        assert set(job.get("needs", [])) <= workflow["jobs"].keys() or job["needs"] in workflow["jobs"]
        for step in job["steps"]:
            assert ("uses" in step) != ("run" in step), step
            assert re.fullmatch(r"[\w./-]+@[\w./-]+", step.get("uses", "a/b@v1")), step
    used = set(re.findall(r"steps\.(\w+)\.", path.read_text()))
    assert used <= {step["id"] for step in steps_of(path) if "id" in step}


def test_the_whole_check_is_that_of_the_repository() -> None:
    runs = [step.get("run") for step in steps_of(GITHUB / "workflows/test.yml")]
    assert ".ci/run" in runs
    assert (REPOSITORY / ".ci/run").stat().st_mode & 0o111


def test_every_python_and_the_lowest_dependencies_are_tried() -> None:
    matrix = load(GITHUB / "workflows/test.yml")["jobs"]["pythons"]["strategy"]["matrix"]
    classifiers = [line.rpartition(" ")[2] for line in PROJECT["classifiers"] if re.search(r"Python :: 3\.\d+$", line)]
    assert matrix["python"] == classifiers
    assert {"lowest-direct"} == {item["resolution"] for item in matrix["include"]} - {"highest"}
    assert {item["os"].partition("-")[0] for item in matrix["include"]} == {"ubuntu", "macos", "windows"}


def test_the_package_is_published_without_a_stored_password() -> None:
    text = (GITHUB / "workflows/publish.yml").read_text()
    jobs = load(GITHUB / "workflows/publish.yml")["jobs"]
    assert jobs["pypi"]["permissions"] == {"id-token": "write"}
    assert set(re.findall(r"secrets\.(\w+)", text)) == {"GITHUB_TOKEN"}
    assert any("pypa/gh-action-pypi-publish" in step.get("uses", "") for step in jobs["pypi"]["steps"])
    [push] = [step for step in jobs["image"]["steps"] if step.get("id") == "push"]
    assert (push["with"]["sbom"], push["with"]["provenance"]) == (True, "mode=max")
    assert push["with"]["labels"]


def test_the_smoke_test_of_other_systems_passes(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(test_smoke=(GITHUB / "smoke/test_smoke.py").read_text())
    pytester.runpytest_subprocess().assert_outcomes(passed=3)


# Forms


@pytest.mark.parametrize("name", ["bug.yml", "request.yml"])
def test_an_issue_form_is_well_formed(name: str) -> None:
    form = load(GITHUB / "ISSUE_TEMPLATE" / name)
    assert form["name"]
    assert form["description"]
    ids = [item["id"] for item in form["body"]]
    assert len(set(ids)) == len(ids) > 1
    for item in form["body"]:
        assert item["type"] in {"textarea", "input", "dropdown", "checkboxes", "markdown"}
        assert item["attributes"]["label"]


def test_dependabot_watches_all_that_is_used() -> None:
    updates = load(GITHUB / "dependabot.yml")["updates"]
    assert {update["package-ecosystem"] for update in updates} == {"pip", "github-actions", "docker"}


@pytest.mark.parametrize("name", ["CONTRIBUTING.md", "SECURITY.md"])
def test_links_lead_to_files(name: str) -> None:
    links = re.findall(r"\]\((\.\./[^)#]+)", (GITHUB / name).read_text())
    assert links
    assert [link for link in links if not (GITHUB / link).resolve().exists()] == []


# Containers


def check_arguments(arguments: list[str]) -> None:
    assert isinstance(command, click.Group)
    verb = command.get_command(click.Context(command), arguments[0])
    assert verb is not None
    verb.make_context(arguments[0], arguments[1:])


def test_compose_starts_what_the_image_has() -> None:
    [service] = load(REPOSITORY / "compose.yaml")["services"].values()
    check_arguments(service["command"])
    assert service["healthcheck"]["test"] == ["CMD", "mockserver", "health"]
    assert service["read_only"]
    assert "/tmp" in service["tmpfs"]


def test_kubernetes_probes_what_the_server_answers() -> None:
    deployment, service = yaml.safe_load_all((REPOSITORY / "docs/kubernetes.yaml").read_text())
    pod = deployment["spec"]["template"]["spec"]
    [container] = pod["containers"]
    check_arguments(container["args"])
    for probe in ("startupProbe", "readinessProbe", "livenessProbe"):
        assert container[probe]["httpGet"] == {"path": "/_mock/health", "port": "http"}
    assert container["securityContext"]["readOnlyRootFilesystem"]
    assert pod["securityContext"]["runAsNonRoot"]
    assert container["volumeMounts"] == [{"name": "tmp", "mountPath": "/tmp"}]
    assert service["spec"]["selector"] == deployment["spec"]["template"]["metadata"]["labels"]
    assert deployment["spec"]["replicas"] == 1


# Until it is published


def test_every_page_that_installs_says_how_until_it_is_published() -> None:
    """One switch: when it is published, the notes are to go."""
    installs = re.compile(r"pip install '?labelbox-mockserver")
    pages = [path for path in DOCUMENTS if installs.search(path.read_text()) and path.name != "CHANGELOG.md"]
    noted = [path.name for path in pages if NOT_PUBLISHED in " ".join(path.read_text().split())]
    assert noted == ([] if PUBLISHED else [path.name for path in pages])


# The demonstration


def test_the_demonstration_needs_no_tools_of_developers() -> None:
    """`make demo` installs the package, `requests` and `uv`."""
    groups = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())["dependency-groups"]
    of_developers = {re.split(r"[\[<>=]", name)[0] for name in groups["dev"] if isinstance(name, str)}
    modules = sorted(name.replace("-", "_") for name in of_developers | {"pytest", "yaml"})
    program = f"import sys; sys.modules.update(dict.fromkeys({modules!r})); import contract_tests.clients.demo"
    ended = subprocess.run([sys.executable, "-c", program], cwd=REPOSITORY, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stderr
