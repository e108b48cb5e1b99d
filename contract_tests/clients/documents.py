"""The GraphQL documents that SDKs send around an export, to the letter, for clients that have no SDK."""

from typing import Any

GET_PROJECT = (  # 7.17.0
    "query GetProjectPyApi($param_0: ID!){project(where: {id: $param_0})"
    "{autoAuditNumberOfLabels autoAuditPercentage createdAt dataRowCount description editorTaskType"
    " isBenchmarkEnabled isConsensusEnabled lastActivityTime allowedMediaType modelSetupComplete name"
    " setupComplete id updatedAt uploadType}}"
)

EXPORT_PROJECT = (  # since 3.67.0
    "mutation exportDataRowsInProjectPyApi($input: ExportDataRowsInProjectInput!)"
    "{exportDataRowsInProject(input: $input){taskId isStreamable}}"
)

EXPORT_PROJECT_BEFORE_STREAMS = (  # 3.37.0 to 3.66.0
    "mutation exportDataRowsInProjectPyApi($input: ExportDataRowsInProjectInput!)"
    "{exportDataRowsInProject(input: $input) {taskId}}"
)

EXPORT_CATALOG = (  # since 3.67.0
    "mutation exportDataRowsInCatalogPyApi($input: ExportDataRowsInCatalogInput!)"
    "{exportDataRowsInCatalog(input: $input){taskId isStreamable}}"
)

EXPORT_CATALOG_BEFORE_STREAMS = (  # 3.42.0 to 3.66.0
    "mutation exportDataRowsInCatalogPyApi($input: ExportDataRowsInCatalogInput!)"
    "{exportDataRowsInCatalog(input: $input) {taskId}}"
)

EXPORT_SLICE = (  # since 3.67.0
    "mutation exportDataRowsInSlicePyApi($input: ExportDataRowsInSliceInput!)"
    "{exportDataRowsInSlice(input: $input){taskId isStreamable}}"
)

EXPORT_SLICE_BEFORE_STREAMS = (  # 3.42.0 to 3.66.0
    "mutation exportDataRowsInSlicePyApi($input: ExportDataRowsInSliceInput!)"
    "{exportDataRowsInSlice(input: $input) {taskId}}"
)

EXPORT_MODEL_RUN = (  # since 3.67.0
    "mutation exportDataRowsInModelRunPyApi($input: ExportDataRowsInModelRunInput!)"
    "{exportDataRowsInModelRun(input: $input){taskId isStreamable}}"
)

EXPORT_MODEL_RUN_BEFORE_STREAMS = (  # 3.37.0 to 3.66.0
    "mutation exportDataRowsInModelRunPyApi($input: ExportDataRowsInModelRunInput!){\n"
    "          exportDataRowsInModelRun(input: $input) {taskId} }\n          "
)

GET_USER = (  # 7.17.0
    "query GetUserPyApi{user{createdAt email isExternalUser isViewer lastLoginAt nickname name picture id updatedAt}}"
)

GET_TASK = (  # since 6.10.0, which requests the status twice
    "query GetUserCreatedTasksPyApi($param_0: ID!, $param_1: ID!){user(where: {id: $param_1})"
    "{createdTasks(where: {id: $param_0} skip: 0 first: 100)"
    "{completionPercentage createdAt errors metadata name result status status type id updatedAt}}}"
)

GET_ORGANIZATION = "query GetOrganizationPyApi{organization{createdAt name id updatedAt}}"

GET_STREAM_HEADER = (  # since 3.56.0
    "query GetExportMetadataHeaderPyApi($where: WhereUniqueIdInput, $streamType: TaskStreamType!)"
    "{task(where: $where){exportMetadataHeader(streamType: $streamType){totalSize totalLines}}}"
)

GET_FILE_AT_OFFSET = (  # since 3.56.0
    "query GetExportFileFromOffsetPyApi"
    "($where: WhereUniqueIdInput, $streamType: TaskStreamType!, $offset: UInt64!)"
    "{task(where: $where){exportFileFromOffset(streamType: $streamType, offset: $offset)"
    "{offsets {start end} lines {start end} file}}}"
)

GET_FILE_AT_LINE = (  # 3.56.0 to 5.2.1
    "query GetExportFileFromLinePyApi"
    "($where: WhereUniqueIdInput, $streamType: TaskStreamType!, $line: UInt64!)"
    "{task(where: $where){exportFileFromLine(streamType: $streamType, line: $line)"
    "{offsets {start end} lines {start end} file}}}"
)

# The SDK's name of a param -> the wire's.
PARAMS = {
    "attachments": "includeAttachments",
    "embeddings": "includeEmbeddings",
    "metadata_fields": "includeMetadata",
    "data_row_details": "includeDataRowDetails",
    "project_details": "includeProjectDetails",
    "performance_details": "includePerformanceDetails",
    "label_details": "includeLabelDetails",
    "interpolated_frames": "includeInterpolatedFrames",
}

# Those of them that model runs have.
OF_MODEL_RUNS = {"attachments", "embeddings", "metadata_fields", "data_row_details"}

# The SDK's name of a filter that lists ids -> the type of its search term.
ID_FILTERS = {
    "data_row_ids": "data_row_id",
    "global_keys": "global_key",
    "batch_ids": "batch",
}
DATE_FILTERS = {"last_activity_at": "data_row_last_activity_at", "label_created_at": "labeled_at"}


def search_term(name: str, value: list[str]) -> dict[str, object]:
    """The term that the SDK builds from a filter (export_filters.py 7.17.0:106)."""
    if name in ID_FILTERS:
        return {"ids": value, "operator": "is", "type": ID_FILTERS[name]}
    between = {"operator": "BETWEEN", "timezone": "UTC", "value": dict(zip(("min", "max"), value, strict=True))}
    return {"type": DATE_FILTERS[name], "value": between}


def export_project_input(
    project_id: str, params: dict[str, bool], filters: dict[str, list[str]], task_name: str | None
) -> dict[str, object]:
    terms = [search_term(name, value) for name, value in filters.items()]
    return {
        "taskName": task_name,
        "filters": {"projectId": project_id, "searchQuery": {"scope": None, "query": terms}},
        "params": {"mediaTypeOverride": None, **build_params(params)},
    }


def build_params(params: dict[str, bool]) -> dict[str, bool]:
    return {wire_name: params.get(name, False) for name, wire_name in PARAMS.items()}


def export_catalog_input(
    dataset_id: str | None, data_row_ids: list[str] | None, params: dict[str, Any], filters: dict[str, list[str]]
) -> dict[str, object]:
    """One mutation serves the catalog, a dataset (its term comes last) and chosen data rows (SDK dataset.py:373)."""
    terms = [search_term(name, value) for name, value in filters.items()]
    if data_row_ids is not None:
        terms.append(search_term("data_row_ids", data_row_ids))
    if dataset_id is not None:
        terms.append({"ids": [dataset_id], "operator": "is", "type": "dataset"})
    return {
        "taskName": None,
        "filters": {"searchQuery": {"scope": None, "query": terms}},
        "params": catalog_params(params),
    }


def catalog_params(params: dict[str, Any]) -> dict[str, Any]:
    return {
        "mediaTypeOverride": None,
        **build_params(params),
        "projectIds": params.get("project_ids"),
        "modelRunIds": params.get("model_run_ids"),
        "allProjects": params.get("all_projects", False),
        "allModelRuns": params.get("all_model_runs", False),
        "includePredictions": params.get("predictions", False),
    }


def export_slice_input(slice_id: str, params: dict[str, Any]) -> dict[str, object]:
    return {"taskName": None, "filters": {"sliceId": slice_id}, "params": catalog_params(params)}


def export_model_run_input(model_run_id: str, params: dict[str, Any]) -> dict[str, object]:
    wanted = {wire_name: params.get(name, False) for name, wire_name in PARAMS.items() if name in OF_MODEL_RUNS}
    more = {
        "includePredictions": params.get("predictions", False),
        "includeModelRunDetails": params.get("model_run_details", False),
    }
    return {
        "taskName": None,
        "filters": {"modelRunId": model_run_id},
        "params": {"mediaTypeOverride": None, **wanted, **more},
    }
