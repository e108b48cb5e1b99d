"""Right arguments of mutations of models, runs and apps."""

from contract_tests.rules.api.writes.building import Build, build_term, build_where, list_rows

MODELS: dict[str, Build] = {
    "createModel": lambda w: {"data": {"name": "new", "ontologyId": w["ontology"]}},
    "deleteModels": lambda w: {"where": {"ids": [w["model"]]}},
    "createModelRun": lambda w: {"data": {"name": "new", "trainingMetadata": {"a": 1}, "modelId": w["model"]}},
    "deleteModelRuns": lambda w: {"where": {"ids": [w["run"]]}},
    "createMEAModelRunDataRowRegistrationTask": lambda w: build_where("run")(w) | {
        "data": {"dataRowIds": [w["other_row"]], "globalKeys": ["key-3"]}
    },
    "createMEAModelRunLabelRegistrationTask": lambda w: build_where("run")(w) | {
        "data": {"labelIds": [w["label"], w["other_label"]]}
    },
    "createMEAModelRunProjectLabelRegistrationTask": lambda w: {
        "where": {"modelRunId": w["run"], "projectId": w["other_project"]}
    },
    "deleteModelRunDataRows": lambda w: {"where": {"modelRunId": w["run"], "dataRowIds": list_rows(w)}},
    "createAssignDataRowsToDataSplitTask": lambda w: {
        "modelRun": {"id": w["run"]},
        "data": {"assignments": [{"split": "TRAINING", "dataRowIds": [w["row"]]},
                                 {"split": "TEST", "globalKeys": ["key-1"]}]},
    },
    "updateModelRunConfig": lambda w: {"modelRun": {"id": w["run"]}, "data": {"config": {"a": 1}}},
    "resetModelRunConfig": lambda w: {"modelRun": {"id": w["run"]}},
    "updateTrainingPipeline": lambda w: {
        "modelRun": {"id": w["run"]}, "data": {"status": "RUNNING", "errorMessage": "m", "metadata": {"a": 1}}
    },
    "createModelConfig": lambda w: {"input": {"modelId": "m", "inferenceParams": {"a": 1}, "name": "new"}},
    "deleteModelConfig": lambda w: {"input": {"id": w["config"]}},
    "createProjectModelConfig": lambda w: {
        "input": {"projectId": w["chat"], "modelConfigId": w["second_config"], "responseCount": 2}
    },
    "deleteProjectModelConfig": lambda w: {"input": {"id": w["link"]}},
    "createModelFoundryApp": lambda w: {
        "input": {"name": "new", "modelId": "m", "ontologyId": w["ontology"], "description": "d",
                  "inferenceParams": {"confidence": 0.5}, "classToSchemaId": {}}
    },
    "deleteModelFoundryApp": lambda w: {"id": w["app"]},
    "createModelJobForDataRows": lambda w: {
        "input": {"modelId": "m", "name": "new", "ontologyId": w["ontology"], "modelAppId": w["app"],
                  "inferenceParams": {"confidence": 0.5}, "classToSchemaId": {}, "dataRowIds": list_rows(w)}
    },
    "createModelJob": lambda w: {
        "input": {"modelId": "m", "name": "new", "ontologyId": w["ontology"], "inferenceParams": {"confidence": 0.5},
                  "classToSchemaId": {}, "searchQuery": {"query": [build_term(w)]}}
    },
}  # fmt: skip
