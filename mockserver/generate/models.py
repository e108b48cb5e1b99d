"""Models of a scenario: their runs over labelled data rows, and their predictions.

A prediction has most of the label's objects, each a little moved and with a confidence. So it fits the picture, text
or clip, whatever the media type.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from mockserver.generate.chance import Chance
from mockserver.generate.consensus import move_objects
from mockserver.generate.features import Ontology
from mockserver.generate.numbers import Numbers
from mockserver.generate.organization import Organized
from mockserver.generate.plans import RunPlan, Scenario
from mockserver.world import ids
from mockserver.world.clock import DAY
from mockserver.world.record import Record
from mockserver.world.records.labels import Body, Label, parse_body, render_body
from mockserver.world.records.models import DataSplit, Model, ModelRun, ModelRunRow, Prediction

TRAINED = 3 * DAY
"""Before the end of the history; every label is older."""
SEEN = 85
"""Percent of objects that a model sees."""


class ModelRuns:
    """All models. Records of the projects pass through `add_runs`, which adds those of their runs."""

    def __init__(
        self,
        scenario: Scenario,
        ontologies: Mapping[str, Ontology],
        organized: Organized,
        numbers: Numbers,
        seed: int,
        end: int,
    ) -> None:
        self.numbers, self.seed = numbers, seed
        self.history = (organized.people[0].id, end - TRAINED, end - TRAINED)
        """The creator and the times of creation and change of all models and runs."""
        self._labelled = {project.name: project.labelled for project in scenario.projects}
        self._runs: dict[str, list[tuple[str, RunPlan]]] = {}
        self.records: list[Record] = []
        for plan in scenario.models:
            model_id = ids.plain_uuid(seed, "model", plan.name)
            ontology_id = ontologies[plan.ontology].id
            self.records.append(Model(model_id, plan.name, ontology_id, *self.history, deleted=False))
            for run in plan.runs:
                run_id = ids.plain_uuid(seed, "model", plan.name, "run", run.name)
                self._runs.setdefault(run.project, []).append((run_id, run))
                self.records.append(ModelRun(run_id, model_id, run.name, None, None, *self.history, deleted=False))

    def add_runs(self, project: str, project_id: str, pieces: Iterable[list[Record]]) -> Iterator[list[Record]]:
        """The batches of one project's history, each followed by the records of the runs over that project."""
        runs = [RunRecords(self, run_id, plan, self._labelled[project]) for run_id, plan in self._runs.get(project, [])]
        for piece in pieces:
            yield piece
            for run in runs:
                yield list(run.build_records(piece, project_id))


class RunRecords:
    """One run over its project's records, as they come."""

    def __init__(self, runs: ModelRuns, run_id: str, plan: RunPlan, labelled: int) -> None:
        self._numbers, self._seed, self._history = runs.numbers, runs.seed, runs.history
        self._id, self._plan = run_id, plan
        self._most = labelled * plan.share // 100
        self._bodies: dict[int, int] = {}
        self._rows: set[int] = set()

    def build_records(self, piece: list[Record], project_id: str) -> Iterator[Record]:
        for record in piece:
            if isinstance(record, Body) and self._plan.predictions:
                yield from self._predict_body(record)
            elif isinstance(record, Label) and record.project_id == project_id and not record.skipped:
                yield from self._add_row(record)

    def _predict_body(self, body: Body) -> Iterator[Body]:
        """The prediction for every label that has this body. Vectors are bodies too, and no objects."""
        if not body.content.startswith(b"{"):
            return
        number = self._bodies[body.id] = self._numbers.next("body")
        chance = Chance(self._seed, "run", self._id, "body", len(self._bodies))
        yield Body(number, predict(body.content, chance, self._plan.confidence), body.aside)

    def _add_row(self, label: Label) -> Iterator[Record]:
        """A data row is in a run once, with the first of its labels."""
        if len(self._rows) >= self._most or label.data_row_no in self._rows:
            return
        index, row = len(self._rows), label.data_row_no
        self._rows.add(row)
        split = choose_split(self._plan, index, self._most)
        member = ids.cuid(self._history[1], self._id, "row", index)
        yield ModelRunRow(self._numbers.next("model_run_row"), member, self._id, row, split, label.id)
        if label.body_id in self._bodies:
            prediction = ids.cuid(self._history[1], self._id, "prediction", index)
            yield Prediction(
                self._numbers.next("prediction"), prediction, self._id, row, ids.feature_prefix(prediction),
                self._bodies[label.body_id], *self._history,
            )  # fmt: skip


def choose_split(plan: RunPlan, index: int, rows: int) -> DataSplit:
    """Row `index` of so many: training first, then validation, then test, then unassigned."""
    share, splits = 100 * (index + 1), plan.splits
    end = 0
    for split, percent in (
        (DataSplit.TRAINING, splits.training),
        (DataSplit.VALIDATION, splits.validation),
        (DataSplit.TEST, splits.test),
    ):
        end += percent
        if share <= end * rows:
            return split
    return DataSplit.UNASSIGNED


def predict(content: bytes, chance: Chance, confidence: tuple[float, float]) -> bytes:
    """Turns a label's body into a prediction, in the same shape and with the same placeholders."""
    document = parse_body(move_objects(content, chance))
    _drop_objects(document, chance)
    _add_confidences(document, chance, round(1000 * confidence[0]), round(1000 * confidence[1]), {})
    return render_body(document)


def _drop_objects(document: dict[str, Any], chance: Chance) -> None:
    """Drops some objects, but none that a relationship or a composite mask refers to."""
    objects = document.get("objects")
    if not isinstance(objects, list) or document.get("relationships"):
        return
    seen = [item for item in objects if "composite_mask" in item or chance.happens(SEEN)]
    document["objects"] = seen or objects[:1]


def _add_confidences(part: Any, chance: Chance, low: int, high: int, known: dict[str, float]) -> None:
    """`confidence` on every object and every chosen answer (inferred: SDK ConfidenceMixin).

    An object that comes again in other frames has the same confidence there.
    """
    if isinstance(part, list):
        for item in part:
            _add_confidences(item, chance, low, high, known)
        return
    if not isinstance(part, dict):
        return
    if "annotation_kind" in part:
        _add_confidence(part, chance, low, high, known)
    for answer in (*part.get("checklist_answers", ()), *filter(None, [part.get("radio_answer")])):
        _add_confidence(answer, chance, low, high, known)
    for value in part.values():
        _add_confidences(value, chance, low, high, known)


def _add_confidence(part: dict[str, Any], chance: Chance, low: int, high: int, known: dict[str, float]) -> None:
    feature = part.get("feature_id", "")
    if feature not in known:
        known[feature] = chance.randint(low, high) / 1000
    part["confidence"] = known[feature]
