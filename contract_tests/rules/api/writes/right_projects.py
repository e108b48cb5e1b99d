"""Right arguments of mutations of projects, batches and queues."""

import json

from contract_tests.rules.api.writes.building import (
    URL,
    Arguments,
    Build,
    build_data,
    build_term,
    build_where,
    list_rows,
)
from contract_tests.rules.api.writes.populated import ONTOLOGY, Populated


def build_sending(world: Populated) -> Arguments:
    return {
        "destinationProjectId": world["other_project"], "batchInput": {"batchName": "sent", "batchPriority": 5},
        "destinationTaskQueue": {"type": "done"}, "excludeDataRowsInProject": False,
        "conflictLabelsResolutionStrategy": "KEEP_EXISTING",
    }  # fmt: skip


PROJECTS: dict[str, Build] = {
    "createProject": lambda w: {
        "data": {"name": "new", "description": "d", "allowedMediaType": "IMAGE", "queueMode": "BATCH",
                 "autoAuditNumberOfLabels": 2, "autoAuditPercentage": 0.5,
                 "labelingFrontend": {"connect": {"id": w["frontend"]}}}
    },
    "updateProject": lambda w: build_where("project")(w) | {
        "data": {"name": "new", "description": "d", "autoAuditPercentage": 0.5, "isConsensusEnabled": True,
                 "setupComplete": "2024-01-01T00:00:00Z", "labelingFrontend": {"connect": {"id": w["frontend"]}}}
    },
    "createLabelingFrontendOptions": lambda w: {
        "data": {"customizationOptions": json.dumps(ONTOLOGY), "project": {"connect": {"id": w["project"]}},
                 "labelingFrontend": {"connect": {"id": w["frontend"]}}}
    },
    "updateProjectWorkflow": lambda w: {
        "input": {"projectId": w["project"], "config": w["workflow"], "routeDataRows": []}
    },
    "cloneProject": build_data(projectId="project"),
    "setProjectInstructions": lambda w: build_where("project")(w) | {"data": {"instructionsUrl": URL}},
    "createResourceTag": lambda w: {"input": {"text": "new", "color": "#00ff00"}},
    "deleteResourceTag": lambda w: {"input": {"id": w["tag"]}},
    "setProjectMembership": build_data(userId="user", roleId="second_role", projectId="project"),
    "deleteProjectMemberships": lambda w: {"where": {"projectId": w["project"], "userIds": [w["user"]]}},
    "setOrganizationRole": build_data(userId="user", roleId="second_role"),
    "extendReservations": lambda w: {"projectId": w["project"], "queueType": "LabelingQueue"},
    "clearQueueReservations": lambda w: {"input": {"projectId": w["project"], "queueId": w["queue"]}},
    "upsertReviewQueue": lambda w: {"where": {"project": {"id": w["project"]}}, "data": {"quotaFactor": 0.5}},
    "bulkAssignDataRows": lambda w: {
        "input": {"projectId": w["project"], "userId": w["user"], "dataRowIds": list_rows(w),
                  "allowedStatuses": ["FREE"]}
    },
    "setProjectModelSetupComplete": lambda w: build_where("chat")(w) | {"data": {"modelSetupComplete": True}},
    "upsertProjectBoostWorkforce": build_data(projectId="other_project"),
    "validateAndRequestProjectBoostWorkforce": build_data(projectId="project"),
    "syncExternalProject": lambda w: {
        "input": {"projectId": w["project"], "entries": [
            {"taskId": w["unlabelled_row"], "queueType": "MANUAL_REVIEW_QUEUE",
             "label": {"submittedBy": {"email": w["email"]}, "secondsToCompletion": 5.5,
                       "submittedOn": "2024-01-01T00:00:00Z",
                       "autoQA": {"status": "Approve", "score": 1.5, "feedback": "f",
                                  "customScores": [{"name": "n", "value": 1.5}]}},
             "review": {"reviewedBy": {"email": w["email"]}, "rating": {"score": 1, "comment": "c"}}},
            {"taskId": "elsewhere", "contentUrl": URL},
        ]}
    },
    "project.connectOntology": lambda w: {"ontologyId": w["unused_ontology"]},
    "project.updateProjectResourceTags": lambda w: {"input": {"resourceTagIds": [w["tag"], w["second_tag"]]}},
    "project.setTagSetStatus": lambda w: {"input": {"tagSetStatus": "DISABLED"}},
    "project.showPredictionsToLabelers": lambda w: {"show": True},
}  # fmt: skip
BATCHES: dict[str, Build] = {
    "project.createBatchV2": lambda w: {
        "input": {"name": "new", "dataRowIds": [w["free_row"]], "globalKeys": [], "priority": 3,
                  "consensusSettings": {"numberOfLabels": 2, "coveragePercentage": 0.5}}
    },
    "project.createEmptyBatch": lambda w: {
        "input": {"name": "new", "consensusSettings": {"numberOfLabels": 2, "coveragePercentage": 0.5}}
    },
    "project.addDataRowsToBatchAsync": lambda w: {
        "input": {"batchId": w["empty_batch"], "dataRowIds": [w["free_row"]], "priority": 3}
    },
    "project.createBatches": lambda w: {
        "input": {"batchNamePrefix": "new", "dataRowIds": [w["free_row"]], "priority": 3}
    },
    "project.createBatchesFromDataset": lambda w: {
        "input": {"batchNamePrefix": "new", "datasetId": w["dataset"], "priority": 3}
    },
    "project.removeQueuedDataRowsFromBatch": lambda w: {"batchId": w["project_batch"]},
    "project.deleteBatch": lambda w: {"batchId": w["empty_batch"]},
    "project.deleteBatchLabels": lambda w: {
        "batchId": w["project_batch"], "data": {"type": "RequeueDataWithLabelAsTemplate"}
    },
    "project.createBulkAddRowsToQueueTask": lambda w: {
        "data": {"queueId": w["review_queue"], "dataRowIdentifiers": {"ids": list_rows(w), "idType": "ID"}}
    },
    "project.createQueuePriorityUpdateTask": lambda w: {
        "data": {"priority": 2, "dataRowIdentifiers": {"ids": ["key-0", "key-1"], "idType": "GKEY"}}
    },
    "project.setLabelingParameterOverrides": lambda w: {
        "data": [{"dataRow": {"id": w["row"]}, "priority": 2, "numLabels": 2}],
        "dataWithDataRowIdentifiers": [
            {"dataRowIdentifier": {"id": "key-1", "idType": "GKEY"}, "priority": 2, "numLabels": 2}
        ],
    },
    "project.unsetLabelingParameterOverrides": lambda w: {"data": [{"dataRowId": w["row"]}]},
    "sendToAnnotateFromCatalog": lambda w: {
        "input": build_sending(w) | {"searchQuery": {"scope": None, "query": [build_term(w)]}, "limit": 2,
                            "annotationsInput": {"projectId": w["project"], "featureSchemaIdsMapping": {}}}
    },
    "sendToAnnotateFromMea": lambda w: {
        "input": build_sending(w) | {"searchQuery": [build_term(w)], "sourceModelRunId": w["run"],
                            "predictionsInput": {"modelRunId": w["run"], "featureSchemaIdsMapping": {},
                                                 "minConfidence": 0.1, "maxConfidence": 0.9}}
    },
}  # fmt: skip
