"""The `experiments` of a row: what model runs hold of it (payloads.md §1.7: ids are live-tested, names inferred).

`{model id: {"name", "runs": {run id: {"name", "labels", ["predictions"]}}}}`. A run in which the row does not stand is
not told.
"""

from __future__ import annotations

from collections import defaultdict

from mockserver.exports.dates import PayloadFormat
from mockserver.exports.labels import LabelKinds, Labels
from mockserver.exports.scope import Runs
from mockserver.exports.sections import match_numbers
from mockserver.exports.text import json_string
from mockserver.world.database import Clause, Connection
from mockserver.world.models import ModelRunRow

Blocks = dict[int, str]
"""Data row number -> the JSON of its block."""


def experiment_keys(form: PayloadFormat) -> tuple[str, str]:
    """(the row's key, the model's key): `models` with `model_runs` before there were `experiments` with `runs`."""
    return ("experiments", "runs") if form.has("experiments") else ("models", "model_runs")


class Experiments:
    """What the runs hold of the rows of an export."""

    def __init__(
        self, connection: Connection, runs: Runs, labels: Labels, *, form: PayloadFormat, predictions: bool
    ) -> None:
        self._connection, self._runs, self._labels, self._predictions = connection, runs, labels, predictions
        self._of_runs = Clause("model_run_id IN :runs", runs=sorted(runs.runs))
        _, self._key = experiment_keys(form)

    def blocks(self, numbers: list[int], kinds: LabelKinds) -> Blocks:
        """Of those of a piece of rows that stand in a run."""
        here = self._of_runs & match_numbers("data_row_no", numbers)
        columns = "data_row_no, model_run_id, label_id"
        standings = self._connection.select_columns(ModelRunRow, columns, here, order="data_row_no, no")
        labels = self._labels.by_id([label for _, _, label in standings if label is not None], kinds)
        predicted = self._labels.predictions(here, kinds) if self._predictions else None
        found: dict[int, dict[str, list[str]]] = defaultdict(lambda: defaultdict(list))
        for row, run_id, label_id in standings:
            run = self._runs.runs[run_id]
            more = "" if predicted is None else f',"predictions":[{"".join(predicted.get((run_id, row), ()))}]'
            found[row][run.model_id].append(
                f'"{run_id}":{{"name":{json_string(run.name)},"labels":[{labels.get(label_id, "")}]{more}}}'
            )
        return {row: self._block(models) for row, models in found.items()}

    def _block(self, models: dict[str, list[str]]) -> str:
        names = self._runs.models
        return ",".join(
            f'"{model}":{{"name":{json_string(names[model].name)},"{self._key}":{{{",".join(runs)}}}}}'
            for model, runs in models.items()
        )
