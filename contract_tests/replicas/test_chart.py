"""The Helm chart, as helm renders it."""

import subprocess
from pathlib import Path
from typing import Any

import click
import pytest
import yaml

from contract_tests.clients.environments import EnvironmentNotBuilt
from contract_tests.replicas.helm import find_helm
from mockserver.__main__ import main as command

CHART = Path(__file__).parents[2] / "docs/replicas-chart"


@pytest.fixture(scope="module")
def helm() -> Path:
    try:
        return find_helm()
    except EnvironmentNotBuilt as reason:
        if "there is no helm" in str(reason):
            pytest.skip(str(reason))
        raise


def run(helm: Path, *arguments: str) -> str:
    ended = subprocess.run([str(helm), *arguments], capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    return ended.stdout


def render(helm: Path, *settings: str) -> dict[str, Any]:
    """The objects by their kind."""
    flags = [word for setting in settings for word in ("--set", setting)]
    documents = yaml.safe_load_all(run(helm, "template", "labelbox-mock", str(CHART), *flags))
    return {document["kind"]: document for document in documents}


def container_of(objects: dict[str, Any]) -> Any:
    [container] = objects["Deployment"]["spec"]["template"]["spec"]["containers"]
    return container


def test_helm_finds_no_fault(helm: Path) -> None:
    assert "0 chart(s) failed" in run(helm, "lint", "--strict", str(CHART))


def test_it_installs_replicas_and_no_database(helm: Path) -> None:
    objects = render(helm)
    assert set(objects) == {"Deployment", "Service", "PodDisruptionBudget"}
    deployment, service, budget = objects["Deployment"], objects["Service"], objects["PodDisruptionBudget"]
    labels = deployment["spec"]["template"]["metadata"]["labels"]
    assert deployment["spec"]["replicas"] == 3
    assert labels == service["spec"]["selector"] == deployment["spec"]["selector"]["matchLabels"]
    assert labels == budget["spec"]["selector"]["matchLabels"]
    assert 0 < budget["spec"]["minAvailable"] < deployment["spec"]["replicas"]


@pytest.mark.parametrize("settings", [(), ("results=s3://results/mock", "port=9000")])
def test_the_server_takes_the_arguments(helm: Path, settings: tuple[str, ...]) -> None:
    arguments = [str(word).replace("$(POD_IP)", "10.0.0.1") for word in container_of(render(helm, *settings))["args"]]
    assert isinstance(command, click.Group)
    verb = command.get_command(click.Context(command), arguments[0])
    assert verb is not None
    parameters = verb.make_context(arguments[0], arguments[1:]).params
    port = 9000 if settings else 8000
    assert parameters["replica_address"] == f"http://10.0.0.1:{port}"
    assert parameters["port"] == port
    assert parameters["results"] == ("s3://results/mock" if settings else None)


def test_pods_are_ready_when_the_server_is_and_live_without_a_database(helm: Path) -> None:
    container = container_of(render(helm))
    for probe in ("startupProbe", "readinessProbe"):
        assert container[probe]["httpGet"] == {"path": "/_mock/health", "port": "http"}
    assert container["livenessProbe"]["tcpSocket"] == {"port": "http"}
    assert container["securityContext"]["readOnlyRootFilesystem"]


def test_secrets_come_from_a_secret_and_settings_from_values(helm: Path) -> None:
    container = container_of(render(helm, "secret=mine", "settings.LABELBOX_MOCKSERVER_SCENARIO=empty"))
    assert container["envFrom"] == [{"secretRef": {"name": "mine"}}]
    values = {entry["name"]: entry.get("value") for entry in container["env"]}
    assert values == {"POD_NAME": None, "POD_IP": None, "LABELBOX_MOCKSERVER_SCENARIO": "empty"}
    assert "postgresql://" not in run(helm, "template", "labelbox-mock", str(CHART))


def test_an_account_of_its_own_is_used(helm: Path) -> None:
    pod = render(helm, "serviceAccount=reader")["Deployment"]["spec"]["template"]["spec"]
    assert pod["serviceAccountName"] == "reader"
    assert "serviceAccountName" not in render(helm)["Deployment"]["spec"]["template"]["spec"]
