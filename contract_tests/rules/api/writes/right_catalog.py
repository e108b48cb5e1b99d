"""Right arguments of mutations of datasets, data rows, metadata, embeddings, slices and integrations."""

from contract_tests.rules.api.writes.building import (
    URL,
    Arguments,
    Build,
    build_data,
    build_term,
    build_where,
    list_rows,
)
from contract_tests.rules.api.writes.populated import Populated


def build_row(world: Populated) -> Arguments:
    return {
        "rowData": URL, "globalKey": "new", "externalId": "new", "dataset": {"connect": {"id": world["dataset"]}},
        "metadataFields": [{"schemaId": world["schema"], "value": "words"}],
        "attachments": [{"type": "IMAGE", "value": URL, "name": "a"}],
        "embeddings": [{"embeddingId": world["embedding"], "vector": [0.5, 1]}],
    }  # fmt: skip


CATALOG: dict[str, Build] = {
    "createDataset": lambda w: {"data": {"name": "new", "description": "d"}},
    "updateDataset": lambda w: build_where("dataset")(w) | {"data": {"name": "new", "description": "d"}},
    "deleteDataRows": lambda w: {"where": {"dataRowIds": list_rows(w)}},
    "createDataRow": lambda w: {"data": build_row(w)},
    "updateDataRow": lambda w: build_where("row")(w) | {
        "data": {key: value for key, value in build_row(w).items() if key != "dataset"}
    },
    "upsertDataRows": lambda w: {"data": {"manifestUri": w.upload_manifest()}},
    "appendRowsToDataset": lambda w: {"data": {"datasetId": w["dataset"], "jsonFileUrl": w.upload_rows()}},
    "appendRowsToDatasetSync": lambda w: {"data": {"datasetId": w["dataset"], "jsonFileUrl": w.upload_rows()}},
    "createDataRowAttachment": lambda w: {"data": {"type": "IMAGE", "value": URL, "name": "b", "dataRowId": w["row"]}},
    "updateDataRowAttachment": lambda w: (
        build_where("attachment")(w) | {"data": {"type": "TEXT_URL", "value": URL, "name": "b"}}
    ),
    "deleteDataRowAttachment": build_where("attachment"),
    "assignGlobalKeysToDataRows": lambda w: {
        "data": {"assignInputs": [{"dataRowId": w["row"], "globalKey": "key-0"}]}
    },
    "clearGlobalKeys": lambda w: {"where": {"ids": ["key-0", "key-1"]}},
    "upsertCustomMetadataSchema": lambda w: {
        "data": {"id": w["enum"], "name": "new", "kind": "CustomMetadataEnum", "options": [
            {"id": w["option"], "name": "a", "kind": "CustomMetadataEnumOption"},
            {"name": "b", "kind": "CustomMetadataEnumOption"}]}
    },
    "deleteCustomMetadataSchema": lambda w: {"schema": {"id": w["enum"]}},
    "upsertDataRowCustomMetadata": lambda w: {
        "data": [{"dataRowId": w["row"], "fields": [{"schemaId": w["schema"], "value": "after"}]},
                 {"globalKey": "key-1", "fields": [{"schemaId": w["enum"], "value": w["option"]}]}]
    },
    "deleteDataRowCustomMetadata": lambda w: {
        "data": [{"dataRowId": w["row"], "schemaIds": [w["schema"]]}],
        "dataRowIdentifiers": [{"dataRowIdentifier": {"id": "key-0", "idType": "GKEY"}, "schemaIds": [w["enum"]]}],
    },
    "createEmbedding": lambda w: {"data": {"name": "new", "dims": 3}},
    "deleteEmbedding": build_data(id="embedding"),
    "createCatalogSavedQuery": lambda w: {
        "args": {"name": "new", "description": "d", "filter": [build_term(w)],
                 "sorting": [{"field": {"field": "dataRowCreatedAt"}, "direction": "DESC"}]}
    },
    "deleteSavedQuery": lambda w: {"args": {"id": w["slice"]}},
    "createAwsIamIntegration": lambda w: {
        "data": {"name": "new", "roleArn": "arn:aws:iam::000000000000:role/name", "readBucket": "bucket"}
    },
    "createGcpIamIntegration": lambda w: {"data": {"name": "new", "readBucket": "bucket"}},
    "createAzureIamIntegration": lambda w: {"data": {"name": "new", "readContainerUrl": URL, "tenantId": "t"}},
    "updateAwsIamIntegration": lambda w: build_where("aws")(w) | {
        "data": {"name": "new", "roleArn": "arn:aws:iam::000000000000:role/other", "readBucket": "bucket"}
    },
    "updateGcpIamIntegration": lambda w: build_where("gcp")(w) | {"data": {"name": "new", "readBucket": "other"}},
    "updateAzureIamIntegration": lambda w: build_where("azure")(w) | {
        "data": {"name": "new", "readContainerUrl": URL, "tenantId": "t"}
    },
    "deleteIamIntegration": build_where("aws"),
    "setDefaultIamIntegration": build_where("aws"),
    "validateIamIntegration": build_where("aws"),
    "setSignerForDataset": lambda w: build_where("dataset")(w) | {"data": {"signerId": w["aws"]}},
    "clearSignerForDataset": build_where("dataset"),
    "validateDataset": build_where("dataset"),
}  # fmt: skip
