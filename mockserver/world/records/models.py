"""Models, their runs, the data rows in a run, and what the model predicted on them."""

from __future__ import annotations

from enum import StrEnum
from typing import ClassVar

from mockserver.world.record import JsonText, Record


class DataSplit(StrEnum):
    """SDK model_run.py DataSplit."""

    TRAINING = "TRAINING"
    VALIDATION = "VALIDATION"
    TEST = "TEST"
    UNASSIGNED = "UNASSIGNED"


class Model(Record, frozen=True):
    TABLE: ClassVar[str] = "model"
    id: str
    name: str
    ontology_id: str | None
    created_by: str
    created_at: int
    updated_at: int
    deleted: bool


class ModelRun(Record, frozen=True):
    """`training_metadata` is the JSON that its `config` argument brought (SDK model.py create_model_run);
    `training_pipeline` the JSON of the state that a client has reported (model_run.py update_status)."""

    TABLE: ClassVar[str] = "model_run"
    id: str
    model_id: str
    name: str
    training_metadata: JsonText | None
    training_pipeline: JsonText | None
    created_by: str
    created_at: int
    updated_at: int
    deleted: bool
    model_app_id: str | None = None
    """The app that filled the run."""


class FoundryApp(Record, frozen=True):
    """A model of the service's catalog with its parameters, to be run on data rows (SDK foundry/app.py).
    `class_to_schema_id` is a JSON object, class -> feature schema id; `experiment_id` is the model of its runs."""

    TABLE: ClassVar[str] = "foundry_app"
    NOUN: ClassVar[str] = "Foundry app"
    id: str
    model_id: str
    name: str
    description: str | None
    inference_params: JsonText
    class_to_schema_id: JsonText
    ontology_id: str
    experiment_id: str | None
    created_by: str
    created_at: int


class ModelConfig(Record, frozen=True):
    """A model of the service's catalog with the parameters of its answers; `inference_params` is JSON."""

    TABLE: ClassVar[str] = "model_config"
    id: str
    model_id: str
    name: str
    inference_params: JsonText
    created_at: int


class ProjectModelConfig(Record, frozen=True):
    """A configured model that answers in the chats of a project."""

    TABLE: ClassVar[str] = "project_model_config"
    id: str
    project_id: str
    model_config_id: str
    response_count: int | None


class ModelRunRow(Record, frozen=True):
    """A data row in a run, once; `label_id` is the label that the prediction is compared with, if there is one."""

    TABLE: ClassVar[str] = "model_run_row"
    no: int
    id: str
    model_run_id: str
    data_row_no: int
    data_split: str
    label_id: str | None


class RunMetric(Record, frozen=True):
    """A metric of a data row in a run, which a client computed (SDK metrics/scalar.py, confusion_matrix.py). `value` is
    the JSON that was sent: a number, four counts, or either by confidence. No export was ever seen that has them."""

    TABLE: ClassVar[str] = "run_metric"
    no: int
    id: str
    model_run_id: str
    data_row_no: int
    name: str | None
    feature_name: str | None
    subclass_name: str | None
    aggregation: str
    value: JsonText
    created_at: int


class Prediction(Record, frozen=True):
    """Like a label: a body whose features begin with the prefix. Its annotations carry `confidence`, 0 to 1."""

    TABLE: ClassVar[str] = "prediction"
    no: int
    id: str
    model_run_id: str
    data_row_no: int
    feature_prefix: str
    body_id: int
    created_by: str
    created_at: int
    updated_at: int
