"""Random sequences of writes by two clients: exports, counts and webhooks agree with a small model of the
world after every step."""

import itertools
import json
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    consumes,
    initialize,
    invariant,
    rule,
    run_state_machine_as_test,
)

from contract_tests.rules.api.asking import ask_in
from contract_tests.rules.api.importing import import_lines, list_statuses
from contract_tests.rules.api.uploading import create_dataset, upsert, wait_for_task, write_item
from contract_tests.serving import ServedWorld

BATCH = (
    "mutation($p: ID!, $b: CreateBatchInput!)"
    " {project(where: {id: $p}) {createBatchV2(input: $b) {batch {size} failedDataRowIds}}}"
)
REVIEW = (
    "mutation($s: Float!, $l: ID!, $p: ID!) {createReview(data:"
    " {score: $s label: {connect: {id: $l}} project: {connect: {id: $p}}}) {id}}"
)
ONTOLOGY = {"tools": [], "classifications": [{"type": "text", "name": "note", "instructions": "note"}]}
NUMBERS = itertools.count()


class Row:
    """A data row of the model: the texts of its labels, oldest first, by the order in which they were imported."""

    def __init__(self, key: str) -> None:
        self.key, self.texts, self.status, self.is_deleted = key, list[str](), "TO_LABEL", False


class Writing(RuleBasedStateMachine):
    """Each text is written once, so that a label is known by its text."""

    server: ServedWorld
    rows = Bundle("rows")

    @initialize(target=rows)
    def create_project(self) -> Row:
        self.workspace = self.server.workspace(scenario="empty")
        self.model: list[Row] = []
        self.told: Counter[str] = Counter()
        self.dataset = create_dataset(self.workspace)
        project = 'mutation {createProject(data: {name: "p", allowedMediaType: IMAGE}) {id}}'
        self.project = str(ask_in(self.workspace, project)["createProject"]["id"])
        ontology = "mutation($d: UpsertOntologyInput!) {upsertOntology(data: $d) {id}}"
        data = {"name": "o", "normalized": json.dumps(ONTOLOGY), "mediaType": "IMAGE"}
        connect = "mutation($p: ID!, $o: ID!) {project(where: {id: $p}) {connectOntology(ontologyId: $o) {id}}}"
        ontology_id = ask_in(self.workspace, ontology, d=data)["upsertOntology"]["id"]
        ask_in(self.workspace, connect, p=self.project, o=ontology_id)
        self.workspace.webhook("http://127.0.0.1:9/", "LABEL_CREATED", "LABEL_DELETED", "REVIEW_CREATED")
        return self.create_rows(1)

    def teardown(self) -> None:
        if hasattr(self, "workspace"):
            self.workspace.delete()

    @rule(target=rows, count=st.integers(1, 3))
    def add_row(self, count: int) -> Row:
        return self.create_rows(count)

    def create_rows(self, count: int) -> Row:
        """Rows are created together, and one of them is put into the project."""
        keys = [f"key-{next(NUMBERS)}" for _ in range(count)]
        items = [write_item(self.dataset, row_data=f"https://example.com/{key}.jpg", global_key=key) for key in keys]
        wait_for_task(self.workspace, upsert(self.workspace, items)["id"])
        batch = {"name": keys[0], "dataRowIds": [], "globalKeys": [keys[0]], "priority": 5}
        ask_in(self.workspace, BATCH, p=self.project, b=batch)
        row = Row(keys[0])
        self.model.append(row)
        return row

    @rule(first=rows, second=rows, bad=st.booleans())
    def import_two_labels(self, first: Row, second: Row, bad: bool) -> None:
        """Two clients import at the same time, perhaps for one row; a bad line keeps no other back."""
        texts = [f"text-{next(NUMBERS)}" for _ in range(2)]
        with ThreadPoolExecutor(2) as threads:
            done = list(threads.map(self.import_label, (first, second), texts, (bad, False)))
        for row, text, status in zip((first, second), texts, done, strict=True):
            assert status == ("FAILURE" if row.is_deleted else "SUCCESS")
            if not row.is_deleted:
                row.texts.append(text)
                self.told["LABEL_CREATED"] += 1
                row.status = "IN_REVIEW" if row.status == "TO_LABEL" else row.status

    def import_label(self, row: Row, text: str, bad: bool) -> str:
        line = {"uuid": text, "dataRow": {"globalKey": row.key}, "name": "note", "answer": text}
        lines = [line, *([line | {"name": "nobody"}] if bad else [])]
        statuses = list_statuses(import_lines(self.workspace, "labels", self.project, text, lines))
        assert [status for status, _ in statuses[1:]] == ["FAILURE"] * bad
        return statuses[0][0]

    @rule(row=rows, score=st.sampled_from([1.0, -1.0]))
    def review(self, row: Row, score: float) -> None:
        if row.texts and not row.is_deleted:
            label = self.find_labels()[row.texts[0]]
            ask_in(self.workspace, REVIEW, s=score, l=label, p=self.project)
            row.status = "DONE" if score > 0 else "IN_REWORK"
            self.told["REVIEW_CREATED"] += 1

    @rule(row=rows)
    def delete_label(self, row: Row) -> None:
        if row.texts and not row.is_deleted:
            label = self.find_labels()[row.texts.pop(0)]
            ask_in(self.workspace, "mutation($ids: [ID!]!) {deleteLabels(labelIds: $ids) {id}}", ids=[label])
            self.told["LABEL_DELETED"] += 1

    @rule(row=consumes(rows))
    def delete_row(self, row: Row) -> None:
        if not row.is_deleted:
            answer = ask_in(
                self.workspace, "query($id: ID!) {datasetDataRows(id: $id) {nodes {id globalKey}}}", id=self.dataset
            )
            [row_id] = [one["id"] for one in answer["datasetDataRows"]["nodes"] if one["globalKey"] == row.key]
            delete = "mutation($ids: [ID!]!) {deleteDataRows(where: {dataRowIds: $ids}) {id}}"
            ask_in(self.workspace, delete, ids=[row_id])
            row.is_deleted = True

    def export(self) -> dict[str, Any]:
        rows = self.workspace.expected_rows(self.project, params={"project_details": True, "label_details": True})
        return {row["data_row"]["global_key"]: row["projects"][self.project] for row in rows}

    def find_labels(self) -> dict[str, str]:
        labels = [label for facts in self.export().values() for label in facts["labels"]]
        return {read_text(label): label["id"] for label in labels}

    @invariant()
    def agree(self) -> None:
        if not hasattr(self, "workspace"):
            return
        live = [row for row in self.model if not row.is_deleted]
        exported = self.export()
        assert exported.keys() == {row.key for row in live}
        for row in live:
            facts = exported[row.key]
            assert sorted(map(read_text, facts["labels"])) == sorted(row.texts)
            assert facts["project_details"]["workflow_status"] == row.status
        assert Counter(delivery["topic"] for delivery in self.workspace.deliveries) == self.told


def read_text(label: Any) -> str:
    return str(label["annotations"]["classifications"][0]["text_answer"]["content"])


@pytest.mark.slow
def test_two_clients_write_what_is_exported_and_sent(server: ServedWorld) -> None:
    Writing.server = server
    steps = settings(
        max_examples=8, stateful_step_count=16, deadline=None, suppress_health_check=list(HealthCheck), print_blob=True
    )
    run_state_machine_as_test(Writing, settings=steps)
