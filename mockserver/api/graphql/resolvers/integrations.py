"""Integrations with clouds, and the datasets that use them (SDK iam_integration.py, dataset.py, client.py). Nothing is
ever fetched from a cloud: a validation checks the form of the settings."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import partial
from typing import Any, NamedTuple

import msgspec
import orjson

from mockserver.api.graphql.call import Call
from mockserver.api.graphql.fields import Fields
from mockserver.api.graphql.filters import read_id
from mockserver.api.graphql.texts import check_texts
from mockserver.world import ids
from mockserver.world.records.data_rows import Dataset
from mockserver.world.records.integrations import IamIntegration


class Rule(NamedTuple):
    """A form that a setting must have, and the name and failure of its check (inferred)."""

    key: str
    pattern: re.Pattern[str]
    check: str
    expected: str


class Provider(NamedTuple):
    """A cloud: its name on the wire, the GraphQL type of its settings, and the rules of its settings."""

    name: str
    type: str
    keys: tuple[str, ...]
    rules: tuple[Rule, ...]


BUCKET = re.compile(r"[a-z0-9][a-z0-9._-]{1,220}[a-z0-9]")
AWS = Provider(
    "AWS", "AwsIamIntegrationSettings", ("roleArn", "readBucket"),
    (
        Rule("roleArn", re.compile(r"arn:aws[a-z-]*:iam::[0-9]{12}:role/\S+"), "role",
             "a role like arn:aws:iam::000000000000:role/name"),
        Rule("readBucket", BUCKET, "bucket", "the name of a bucket"),
    ),
)  # fmt: skip
GCP = Provider(
    "GCP", "GcpIamIntegrationSettings", ("readBucket", "serviceAccountEmailId"),
    (Rule("readBucket", BUCKET, "bucket", "the name of a bucket"),),
)  # fmt: skip
AZURE = Provider(
    "Azure", "AzureIamIntegrationSettings", ("readContainerUrl", "tenantId"),
    (
        Rule("readContainerUrl", re.compile(r"https://[^/\s]+/\S+"), "container", "the https URL of a container"),
        Rule("tenantId", re.compile(r"\S+"), "tenant", "the id of a tenant"),
    ),
)  # fmt: skip
PROVIDERS = {provider.name: provider for provider in (AWS, GCP, AZURE)}
"""By the names in SDK iam_integration.py IAMIntegrationProvider."""
OPTIONAL = ("readBucket",)
"""A setting of AWS without which any bucket of the role is read."""


class Check(msgspec.Struct, frozen=True):
    name: str
    success: bool
    message: str


class Validation(msgspec.Struct, frozen=True):
    checks: list[Check]

    @property
    def valid(self) -> bool:
        return all(check.success for check in self.checks)


def add_to(fields: Fields) -> None:
    fields.add("Query", "iamIntegrations", list_integrations)
    for provider in PROVIDERS.values():
        word = provider.name.capitalize()
        fields.add("Mutation", f"create{word}IamIntegration", partial(create_integration, provider))
        fields.add("Mutation", f"update{word}IamIntegration", partial(update_integration, provider))
        for key in provider.keys:
            fields.add(provider.type, key, partial(get_setting, key))
    fields.add("Mutation", "deleteIamIntegration", delete_integration)
    fields.add("Mutation", "setDefaultIamIntegration", set_default)
    fields.add("Mutation", "validateIamIntegration", validate_integration)
    fields.add("Mutation", "setSignerForDataset", set_signer)
    fields.add("Mutation", "clearSignerForDataset", clear_signer)
    fields.add("Mutation", "validateDataset", validate_dataset)
    fields.add("Dataset", "signer", lambda source, call: call.find(IamIntegration, source.signer_id))
    fields.add_attributes(
        "IAMIntegration", IamIntegration, "id name provider isOrgDefault createdAt updatedAt lastValidAt"
    )
    fields.add("IAMIntegration", "valid", lambda source, _call: source.last_valid_at is not None)
    fields.add("IAMIntegration", "settings", read_settings)
    fields.add_attributes("ValidatedIntegration", Validation, "valid checks")
    fields.add_attributes("IntegrationCheck", Check, "name success message")


def list_integrations(_source: Any, call: Call) -> list[IamIntegration]:
    """All integrations, the newest first, so that the first one of a list is the last that was created (SDK tests
    test_delegated_access.py)."""
    return call.select(IamIntegration, order="created_at DESC, id DESC")


def create_integration(provider: Provider, _source: Any, call: Call, data: Mapping[str, Any]) -> IamIntegration:
    settings = _read_settings(provider, data)
    valid = check_settings(provider, settings).valid
    return call.workspace.integrations.create(data["name"], provider.name, settings, valid=valid)


def update_integration(
    provider: Provider, _source: Any, call: Call, data: Mapping[str, Any], where: Mapping[str, Any]
) -> IamIntegration:
    integration_id = read_id(where, f"update{provider.name.capitalize()}IamIntegration")
    settings = _read_settings(provider, data)
    valid = check_settings(provider, settings).valid
    return call.workspace.integrations.update(integration_id, data["name"], provider.name, settings, valid=valid)


def _read_settings(provider: Provider, data: Mapping[str, Any]) -> dict[str, str]:
    """Raises BadInput for texts that are too long. Credentials are never kept."""
    check_texts(data)
    settings = {key: data[key] for key in provider.keys if data.get(key) is not None}
    if provider is GCP:  # the service creates an account for each integration
        account = ids.digest("service account", settings.get("readBucket", ""), size=8).hex()
        settings["serviceAccountEmailId"] = f"mock-{account}@mock-delegated-access.iam.gserviceaccount.com"
    return settings


def check_settings(provider: Provider, settings: Mapping[str, str]) -> Validation:
    """One check for each setting that the provider requires, or that was given."""
    checks = []
    for rule in provider.rules:
        value = settings.get(rule.key) or ""
        success = rule.pattern.fullmatch(value) is not None
        success |= provider is AWS and rule.key in OPTIONAL and not value
        message = "" if success else f"{rule.key} is {value[:100]!r}; expected {rule.expected}"
        checks.append(Check(rule.check, success, message))
    return Validation(checks)


def delete_integration(_source: Any, call: Call, where: Mapping[str, Any]) -> str:
    return call.workspace.integrations.delete(read_id(where, "deleteIamIntegration"))


def set_default(_source: Any, call: Call, where: Mapping[str, Any]) -> IamIntegration:
    return call.workspace.integrations.set_default(read_id(where, "setDefaultIamIntegration"))


def validate_integration(_source: Any, call: Call, where: Mapping[str, Any]) -> Validation:
    integration = call.get(IamIntegration, read_id(where, "validateIamIntegration"), "IAM integration")
    validation = check_settings(PROVIDERS[integration.provider], orjson.loads(integration.settings))
    call.workspace.integrations.record_check(integration.id, valid=validation.valid)
    return validation


def set_signer(_source: Any, call: Call, where: Mapping[str, Any], data: Mapping[str, Any]) -> Dataset:
    return call.workspace.integrations.set_signer(read_id(where, "setSignerForDataset"), data["signerId"])


def clear_signer(_source: Any, call: Call, where: Mapping[str, Any]) -> Dataset:
    return call.workspace.integrations.set_signer(read_id(where, "clearSignerForDataset"), None)


def validate_dataset(_source: Any, call: Call, where: Mapping[str, Any]) -> Validation:
    """The checks of the dataset's integration; without one there is nothing to check (inferred)."""
    dataset = call.get(Dataset, read_id(where, "validateDataset"))
    integration = call.find(IamIntegration, dataset.signer_id)
    if integration is None:
        return Validation([])
    return check_settings(PROVIDERS[integration.provider], orjson.loads(integration.settings))


def read_settings(source: IamIntegration, _call: Call) -> dict[str, Any]:
    """The settings, with the name of their type, by which graphql-core chooses among those of the union."""
    settings: dict[str, Any] = orjson.loads(source.settings)
    return settings | {"__typename": PROVIDERS[source.provider].type}


def get_setting(key: str, source: Mapping[str, Any], _call: Call) -> str | None:
    value: str | None = source.get(key)
    return value
