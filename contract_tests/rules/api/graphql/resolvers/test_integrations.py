"""Integrations with clouds: records that datasets use; nothing is fetched from a cloud."""

from typing import Any

import pytest

from contract_tests.rules.api.asking import ask_in
from contract_tests.rules.api.uploading import create_dataset, refuse
from mockserver.testing import MockWorkspace

FIELDS = "id name createdAt updatedAt provider valid lastValidAt isOrgDefault"
CREATE_AWS = (
    "mutation CreateAwsIamIntegrationPyApi($data: AwsIamIntegrationCreateInput!) {createAwsIamIntegration(data: $data)"
    f" {{{FIELDS} settings {{__typename ... on AwsIamIntegrationSettings {{roleArn readBucket}}}}}}}}"
)
CREATE_GCP = (
    "mutation CreateGcpIamIntegrationPyApi($data: GcpIamIntegrationCreateInput!) {createGcpIamIntegration(data: $data)"
    f" {{{FIELDS} settings {{__typename ... on GcpIamIntegrationSettings {{serviceAccountEmailId readBucket}}}}}}}}"
)
CREATE_AZURE = (
    "mutation CreateAzureIamIntegrationPyApi($data: AzureIamIntegrationCreateInput!)"
    f" {{createAzureIamIntegration(data: $data) {{{FIELDS} settings"
    " {__typename ... on AzureIamIntegrationSettings {readContainerUrl tenantId}}}}"
)
UPDATE_AWS = (
    "mutation UpdateAwsIamIntegrationPyApi($data: AwsIamIntegrationUpdateInput!, $where: WhereUniqueIdInput!)"
    " {updateAwsIamIntegration(data: $data, where: $where) {id}}"
)
LIST = (
    f"query getAllIntegrationsPyApi {{iamIntegrations {{{FIELDS} settings {{__typename"
    " ... on AwsIamIntegrationSettings {roleArn} ... on GcpIamIntegrationSettings {serviceAccountEmailId readBucket}"
    "}}}"
)
VALIDATE = (
    "mutation ValidateIamIntegrationPyApi($where: WhereUniqueIdInput!) {validateIamIntegration(where: $where)"
    " {valid checks {name success message}}}"
)
SET_DEFAULT = (
    "mutation SetDefaultIamIntegrationPyApi($where: WhereUniqueIdInput!) {setDefaultIamIntegration(where: $where) {id}}"
)
DELETE = "mutation DeleteIamIntegrationPyApi($id: ID!) {deleteIamIntegration(where: {id: $id})}"
SIGN = (
    "mutation SetSignerForDatasetPyApi($signerId: ID!, $datasetId: ID!)"
    " {setSignerForDataset(data: {signerId: $signerId} where: {id: $datasetId}) {id signer {id}}}"
)
VALIDATE_DATASET = (
    "mutation validateDatasetPyApi($id: ID!){validateDataset(where: {id : $id}){valid checks{name, success}}}"
)
DETACH = "mutation DetachSignerPyApi($id: ID!) {clearSignerForDataset(where: {id: $id}) {id}}"
SIGNER = "query($id: ID!) {dataset(where: {id: $id}) {signer {id name}}}"
ROLE = "arn:aws:iam::123456789012:role/reader"


def create(workspace: MockWorkspace, name: str = "bucket", **data: str) -> dict[str, Any]:
    settings = {"name": name, "roleArn": ROLE, "readBucket": "my-bucket"} | data
    return dict(ask_in(workspace, CREATE_AWS, data=settings)["createAwsIamIntegration"])


@pytest.mark.known("client")
def test_an_integration_of_each_provider_is_created_listed_changed_and_deleted(workspace: MockWorkspace) -> None:
    """SDK iam_integration.py 7.17.0, tests test_delegated_access.py."""
    aws = create(workspace)
    assert (aws["provider"], aws["valid"], aws["isOrgDefault"]) == ("AWS", True, False)
    assert aws["settings"] == {
        "__typename": "AwsIamIntegrationSettings", "roleArn": ROLE, "readBucket": "my-bucket",
    }  # fmt: skip
    gcp = ask_in(workspace, CREATE_GCP, data={"name": "g", "readBucket": "bucket"})["createGcpIamIntegration"]
    assert (gcp["provider"], gcp["settings"]["readBucket"]) == ("GCP", "bucket")
    assert gcp["settings"]["serviceAccountEmailId"].endswith(".iam.gserviceaccount.com")
    container = {"readContainerUrl": "https://test.blob.core.windows.net/test", "tenantId": "test-tenant"}
    azure = ask_in(workspace, CREATE_AZURE, data={"name": "a"} | container)["createAzureIamIntegration"]
    assert azure["settings"] == {"__typename": "AzureIamIntegrationSettings"} | container
    assert azure["provider"] == "Azure"
    listed = ask_in(workspace, LIST)["iamIntegrations"]
    assert {item["id"] for item in listed} == {aws["id"], gcp["id"], azure["id"]}
    changed = {"name": "renamed", "roleArn": "arn:aws:iam::111111111111:role/other", "readBucket": None}
    ask_in(workspace, UPDATE_AWS, data=changed, where={"id": aws["id"]})
    [again] = [item for item in ask_in(workspace, LIST)["iamIntegrations"] if item["id"] == aws["id"]]
    assert (again["name"], again["settings"]["roleArn"]) == ("renamed", changed["roleArn"])
    assert "one of GCP" in refuse(workspace, UPDATE_AWS, data=changed, where={"id": gcp["id"]})
    for item in (aws, gcp, azure):
        assert ask_in(workspace, DELETE, id=item["id"])["deleteIamIntegration"] == item["id"]
    assert ask_in(workspace, LIST)["iamIntegrations"] == []
    assert "does not exist" in refuse(workspace, DELETE, id=aws["id"])
    assert "not empty" in refuse(workspace, CREATE_GCP, data={"name": " ", "readBucket": "bucket"})


@pytest.mark.known("inferred")
def test_an_integration_is_valid_while_its_settings_have_the_form_of_its_provider(workspace: MockWorkspace) -> None:
    wrong = create(workspace, roleArn="reader", readBucket="UPPER case")
    assert (wrong["valid"], wrong["lastValidAt"]) == (False, None)
    checks = ask_in(workspace, VALIDATE, where={"id": wrong["id"]})["validateIamIntegration"]
    assert checks["valid"] is False
    assert [(check["name"], check["success"]) for check in checks["checks"]] == [("role", False), ("bucket", False)]
    assert "expected a role like arn:aws:iam" in checks["checks"][0]["message"]
    ask_in(workspace, UPDATE_AWS, data={"name": "right", "roleArn": ROLE}, where={"id": wrong["id"]})
    assert ask_in(workspace, VALIDATE, where={"id": wrong["id"]})["validateIamIntegration"]["valid"] is True
    assert ask_in(workspace, LIST)["iamIntegrations"][0]["valid"] is True


@pytest.mark.known("client")
def test_one_integration_is_the_default(workspace: MockWorkspace) -> None:
    """SDK organization.py get_default_iam_integration, which raises an error for several."""
    first, second = create(workspace, "first"), create(workspace, "second")
    for chosen in (first, second, first):
        ask_in(workspace, SET_DEFAULT, where={"id": chosen["id"]})
        listed = ask_in(workspace, LIST)["iamIntegrations"]
        assert [item["id"] for item in listed if item["isOrgDefault"]] == [chosen["id"]]
    assert "does not exist" in refuse(workspace, SET_DEFAULT, where={"id": "nobody"})


@pytest.mark.known("client")
def test_a_dataset_uses_an_integration_until_it_is_detached_or_deleted(workspace: MockWorkspace) -> None:
    """SDK dataset.py add_iam_integration, remove_iam_integration; client.py create_dataset."""
    dataset, integration = create_dataset(workspace), create(workspace)
    sign = {"signerId": integration["id"], "datasetId": dataset}
    assert ask_in(workspace, SIGN, **sign)["setSignerForDataset"] == {
        "id": dataset,
        "signer": {"id": integration["id"]},
    }
    validated = ask_in(workspace, VALIDATE_DATASET, id=dataset)["validateDataset"]
    assert (validated["valid"], len(validated["checks"])) == (True, 2)
    assert ask_in(workspace, SIGNER, id=dataset)["dataset"]["signer"]["name"] == "bucket"
    ask_in(workspace, DETACH, id=dataset)
    assert ask_in(workspace, SIGNER, id=dataset)["dataset"]["signer"] is None
    ask_in(workspace, SIGN, **sign)
    ask_in(workspace, DELETE, id=integration["id"])
    assert ask_in(workspace, SIGNER, id=dataset)["dataset"]["signer"] is None
    assert ask_in(workspace, VALIDATE_DATASET, id=dataset)["validateDataset"] == {"valid": True, "checks": []}
    assert "does not exist" in refuse(workspace, SIGN, **sign)
