"""The `experiments` of a row: what model runs hold of it (payloads.md §1.7: ids are live-tested, names inferred).

`{model id: {"name", "runs": {run id: {"name", "labels", ["predictions"]}}}}`. A run in which the row does not stand is
not told.
"""

from __future__ import annotations

from collections import defaultdict

from mockserver.exports.dates import Form
from mockserver.exports.scope import Runs
from mockserver.exports.sections import Sections, among
from mockserver.exports.text import quoted
from mockserver.world.database import Connection, Row, where

Blocks = dict[int, str]
"""Data row number -> the JSON of its block."""


def words(form: Form) -> tuple[str, str]:
    """(the row's key, the model's key): `models` with `model_runs` before there were `experiments` with `runs`."""
    return ("experiments", "runs") if form.has("experiments") else ("models", "model_runs")


class Experiments:
    """The blocks of one piece of rows."""

    def __init__(
        self,
        connection: Connection,
        runs: Runs,
        sections: Sections,
        numbers: list[int],
        *,
        form: Form,
        predictions: bool,
    ) -> None:
        self._connection, self._runs, self._sections = connection, runs, sections
        self._here = where("model_run_id IN :runs", runs=sorted(runs.runs)) & among("data_row_no", numbers)
        self._predictions = self._predicted() if predictions else None
        _, self._key = words(form)

    def blocks(self) -> Blocks:
        """Of the rows that stand in a run."""
        standings = self._select("data_row_no, model_run_id, label_id", "model_run_row", "data_row_no, no")
        labels = self._sections.labels_by_id([label for _, _, label in standings if label is not None])
        found: dict[int, dict[str, list[str]]] = defaultdict(lambda: defaultdict(list))
        for row, run_id, label_id in standings:
            run = self._runs.runs[run_id]
            told = labels.get(label_id, "")
            found[row][run.model_id].append(
                f'"{run_id}":{{"name":{quoted(run.name)},"labels":[{told}]{self._more(row, run_id)}}}'
            )
        return {row: self._block(models) for row, models in found.items()}

    def _block(self, models: dict[str, list[str]]) -> str:
        names = self._runs.models
        return ",".join(
            f'"{model}":{{"name":{quoted(names[model].name)},"{self._key}":{{{",".join(runs)}}}}}'
            for model, runs in models.items()
        )

    def _more(self, row: int, run_id: str) -> str:
        if self._predictions is None:
            return ""
        return f',"predictions":[{",".join(self._predictions[row, run_id])}]'

    def _predicted(self) -> defaultdict[tuple[int, str], list[str]]:
        """(Data row number, run) -> predictions; each is built as a label is."""
        rows = self._select("data_row_no, model_run_id, id, feature_prefix, body_id", "prediction", "data_row_no, no")
        bodies = self._sections.bodies({row[4] for row in rows})
        found: defaultdict[tuple[int, str], list[str]] = defaultdict(list)
        for row, run_id, prediction, prefix, body in rows:
            joined = prefix.join(bodies[body])
            found[row, run_id].append(self._sections.annotated(row, prediction, joined, owner=run_id))
        return found

    def _select(self, columns: str, table: str, order: str) -> list[Row]:
        sql = f"SELECT {columns} FROM {table} WHERE {self._here.sql} ORDER BY {order}"
        return self._connection.rows(sql, self._here.params)
