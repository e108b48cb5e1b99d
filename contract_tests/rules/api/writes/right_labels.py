"""Right arguments of mutations of labels, reviews, imports of annotations and issues."""

import json

from contract_tests.rules.api.writes.building import Build, build_data, build_where

LABELS: dict[str, Build] = {
    "deleteLabels": lambda w: {"labelIds": [w["label"], w["benchmark"]]},
    "updateLabel": lambda w: build_where("label")(w) | {
        "data": {"label": json.dumps({"objects": [], "classifications": []}), "secondsToLabel": 5.5}
    },
    "createReview": lambda w: {
        "data": {"score": -1.0, "label": {"connect": {"id": w["label"]}}, "project": {"connect": {"id": w["project"]}}}
    },
    "updateReview": lambda w: build_where("review")(w) | {"data": {"score": -1.0}},
    "createBenchmark": build_data(labelId="label"),
    "deleteBenchmark": lambda w: {"where": {"labelId": w["benchmark"]}},
    "upsertAutoQaLabelFeedback": lambda w: {
        "input": {"labelId": w["label"], "feedback": "f", "scores": {"overall": 5}}
    },
    "createLabelImport": lambda w: {"data": {"projectId": w["project"], "name": "new", "fileUrl": w.upload_lines()}},
    "createModelAssistedLabelingPredictionImport": lambda w: {
        "data": {"projectId": w["project"], "name": "new", "fileUrl": w.upload_lines()}
    },
    "createModelErrorAnalysisPredictionImport": lambda w: {
        "data": {"modelRunId": w["run"], "name": "new", "fileUrl": w.upload_lines()}
    },
    "createBulkImportRequest": lambda w: {
        "data": {"projectId": w["project"], "name": "new", "fileUrl": w.upload_lines()}
    },
    "createMalPredictionImportForModelRunDataRows": lambda w: {
        "data": {"projectId": w["project"], "modelRunId": w["run"], "name": "new", "dataRowIds": [w["row"]]}
    },
    "deleteModelAssistedLabelingPredictionImport": lambda w: {"where": {"id": w.import_annotations()}},
    "deleteBulkImportRequest": lambda w: {"where": {"id": w.import_annotations("bulk")}},
    "createIssue": lambda w: {
        "data": {"content": "new", "projectId": w["project"], "dataRowId": w["row"], "type": "Issue",
                 "labelId": w["label"], "categoryId": w["category"], "position": {"x": 1}}
    },
    "updateIssue": lambda w: build_where("issue")(w) | {
        "data": {"content": "new", "labelId": w["label"], "categoryId": w["category"], "position": {"x": 1}}
    },
    "resolveIssue": build_where("issue"),
    "openIssue": build_where("issue"),
    "deleteIssue": lambda w: {"data": {"issueIds": [w["issue"]]}},
    "createComment": lambda w: {"data": {"content": "new", "issueId": w["issue"]}},
    "updateComment": lambda w: build_where("comment")(w) | {"data": {"content": "new"}},
    "deleteComment": build_where("comment"),
    "createIssueCategory": lambda w: {"data": {"projectId": w["project"], "name": "new", "description": "d"}},
    "editIssueCategory": lambda w: build_where("category")(w) | {"data": {"name": "new", "description": "d"}},
    "deleteIssueCategory": build_where("category"),
}  # fmt: skip
