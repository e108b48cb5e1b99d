"""The `experiments` of a row: its labels and predictions in model runs (payloads.md §1.7).

`{model id: {"name", "runs": {run id: {"name", "labels", ["predictions"]}}}}`: ids are live-tested, names inferred. Runs
without the row are left out.
"""

from __future__ import annotations

from collections import defaultdict

from mockserver.exports.dates import PayloadFormat
from mockserver.exports.labels import LabelKinds, Labels
from mockserver.exports.scope import Runs
from mockserver.exports.sections import match_numbers
from mockserver.exports.text import json_string
from mockserver.world.clause import Clause
from mockserver.world.database import Connection
from mockserver.world.records.models import ModelRunRow

Blocks = dict[int, str]
"""Data row number -> the JSON of its block."""


def get_experiment_keys(form: PayloadFormat) -> tuple[str, str]:
    """(the row's key, the model's key): `models` with `model_runs` on dates before `experiments` with `runs`."""
    return ("experiments", "runs") if form.has("experiments") else ("models", "model_runs")


class Experiments:
    """The labels and predictions of the rows of an export in model runs."""

    def __init__(
        self, connection: Connection, runs: Runs, labels: Labels, *, form: PayloadFormat, predictions: bool
    ) -> None:
        self._connection, self._runs, self._labels, self._predictions = connection, runs, labels, predictions
        self._of_runs = Clause("model_run_id IN :runs", runs=sorted(runs.runs))
        _, self._key = get_experiment_keys(form)

    def render(self, numbers: list[int], kinds: LabelKinds) -> Blocks:
        """The block of each row in this batch that belongs to a model run."""
        condition = self._of_runs & match_numbers("data_row_no", numbers)
        columns = "data_row_no, model_run_id, label_id"
        run_rows = self._connection.select_columns(ModelRunRow, columns, condition, order="data_row_no, no")
        labels = self._labels.render_by_id([label for _, _, label in run_rows if label is not None], kinds)
        predictions = self._labels.render_predictions(condition, kinds) if self._predictions else None
        blocks: dict[int, dict[str, list[str]]] = defaultdict(lambda: defaultdict(list))
        for row, run_id, label_id in run_rows:
            run = self._runs.runs[run_id]
            more = "" if predictions is None else f',"predictions":[{"".join(predictions.get((run_id, row), ()))}]'
            blocks[row][run.model_id].append(
                f'"{run_id}":{{"name":{json_string(run.name)},"labels":[{labels.get(label_id, "")}]{more}}}'
            )
        return {row: self._render_block(models) for row, models in blocks.items()}

    def _render_block(self, models: dict[str, list[str]]) -> str:
        names = self._runs.models
        return ",".join(
            f'"{model}":{{"name":{json_string(names[model].name)},"{self._key}":{{{",".join(runs)}}}}}'
            for model, runs in models.items()
        )
