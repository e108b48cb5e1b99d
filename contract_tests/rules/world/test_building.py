"""The changes that clients build worlds with, on both engines: each is one transaction, and a refused one changes
nothing."""

import itertools
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from contract_tests.rules.worlds import build_database, open_store
from mockserver.errors import MalformedRequest
from mockserver.imports.media import build_content
from mockserver.world.changes.attachments import AttachmentChanges
from mockserver.world.changes.batches import BatchChanges, Consensus
from mockserver.world.changes.catalog import CatalogChanges
from mockserver.world.changes.data_rows import DataRowChanges
from mockserver.world.changes.embeddings import EmbeddingChanges
from mockserver.world.changes.global_keys import Assigned, Assignment, GlobalKeyChanges
from mockserver.world.changes.groups import GroupChanges, GroupSettings, Membership
from mockserver.world.changes.metadata import MetadataChanges, Option
from mockserver.world.changes.models import ModelChanges
from mockserver.world.changes.projects import FirstRows, ProjectChanges
from mockserver.world.changes.queues import QueueChanges
from mockserver.world.changes.row_lookup import RowRef, find_data_rows
from mockserver.world.changes.slices import SliceChanges
from mockserver.world.clause import Clause
from mockserver.world.new_rows import KeyType, NewAttachment, NewVector, Refusal, RowSpec
from mockserver.world.record import JsonText
from mockserver.world.records.data_rows import Attachment, DataRow, EmbeddingVector, encode_metadata
from mockserver.world.records.events import Event
from mockserver.world.records.labels import ProjectRow
from mockserver.world.records.models import DataSplit, ModelRunRow
from mockserver.world.records.people import Person, Role
from mockserver.world.records.projects import Batch, Project, TaskQueue
from mockserver.world.store import Store

CONTENT = build_content("https://example.com/picture.jpg")


def create_rows(store: Store, count: int, prefix: str = "key") -> list[DataRow]:
    dataset = CatalogChanges(store).create_dataset(name=prefix)
    specs = [
        RowSpec(dataset_id=dataset.id, content=CONTENT, global_key=f"{prefix}-{number}") for number in range(count)
    ]
    return DataRowChanges(store).upsert_or_refuse(specs)


def list_refs(rows: list[DataRow]) -> list[RowRef]:
    return [RowRef(row.no, row.id) for row in rows]


def count_events(store: Store) -> int:
    with store.reading() as connection:
        return connection.count(Event)


def test_rows_are_created_and_updated_with_all_that_belongs_to_them(store: Store) -> None:
    embedding = EmbeddingChanges(store).create("mine", 2)
    dataset = CatalogChanges(store).create_dataset(name="new")
    first = RowSpec(
        dataset_id=dataset.id, content=CONTENT, global_key="a", attachments=(NewAttachment("IMAGE", "x", None),),
        vectors=(NewVector(embedding.id, b"[1,2]"),),
    )  # fmt: skip
    again = RowSpec(
        key_type=KeyType.GLOBAL_KEY, key="a", external_id="renamed", vectors=(NewVector(embedding.id, b"[3,4]"),)
    )
    created, updated = DataRowChanges(store).upsert([first, again])
    assert isinstance(created, DataRow)
    assert isinstance(updated, DataRow)
    with store.reading() as connection:
        [row] = connection.select(DataRow, Clause("dataset_id = :id", id=dataset.id))
        assert row == updated == msgspec.structs.replace(created, external_id="renamed")
        assert connection.count(Attachment, Clause("data_row_no = :no", no=row.no)) == 1
        assert connection.count(EmbeddingVector, Clause("data_row_no = :no", no=row.no)) == 1
    attachment = AttachmentChanges(store).add(row.id, NewAttachment("HTML", "y", "page"))
    AttachmentChanges(store).delete(attachment.id)
    EmbeddingChanges(store).delete(embedding.id)


def test_a_batch_that_is_refused_leaves_neither_batch_nor_event(store: Store) -> None:
    rows = create_rows(store, 3)
    project = CatalogChanges(store).create_project(name="new")
    before = count_events(store)
    with pytest.raises(MalformedRequest):
        BatchChanges(store).create_filled_batch(project.id, "first", Consensus(), list_refs(rows), 9)
    with store.reading() as connection:
        assert connection.count(Batch, Clause("project_id = :id", id=project.id)) == 0
        with pytest.raises(MalformedRequest, match="do not exist"):
            find_data_rows(connection, [rows[0].id, "nobody"])
    assert count_events(store) == before
    batch, left_out = BatchChanges(store).create_filled_batch(
        project.id, "first", Consensus(3, 1.0), list_refs(rows), 2
    )
    assert (batch.size, left_out) == (3, [])
    with store.reading() as connection:
        states = connection.select(ProjectRow, Clause("project_id = :id", id=project.id))
        [_, review, _] = connection.select(TaskQueue, Clause("project_id = :id", id=project.id), order="position")
    assert {state.expected_label_count for state in states} == {3}
    QueueChanges(store).move_rows(project.id, list_refs(rows[:1]), review.id)
    QueueChanges(store).override(project.id, [(list_refs(rows)[1], 1, None)])
    assert BatchChanges(store).remove_queued_rows(project.id, batch.id).size == 1
    assert BatchChanges(store).delete_batch(project.id, batch.id) == batch.id


def test_a_schema_is_deleted_with_the_values_of_all_rows(store: Store) -> None:
    row = create_rows(store, 1)[0]
    metadata = MetadataChanges(store)
    schema = metadata.create_schema("mine", "CustomMetadataEnum", [Option(None, "one"), Option(None, "two")])
    text = metadata.create_schema("words", "CustomMetadataString", [])
    metadata.set_values({row.id: {schema.id: "an option", text.id: "100%"}})
    metadata.update_schema(text.id, "renamed", text.kind, [])
    metadata.delete_schema(schema.id)
    with store.reading() as connection:
        assert connection.one_by_id(DataRow, row.id).metadata == encode_metadata({text.id: "100%"})


def test_keys_are_assigned_to_one_row_each(store: Store) -> None:
    rows = create_rows(store, 2)
    keys = GlobalKeyChanges(store)
    keys.clear(["key-0", "key-1"])
    job = keys.assign([Assignment(rows[0].id, "a"), Assignment(rows[1].id, "a"), Assignment("nobody", "b")])
    result = msgspec.json.decode(job.result, type=Assigned)
    assert (len(result.sanitized), len(result.unmodified), len(result.invalid)) == (0, 1, 2)


def test_a_run_has_rows_in_splits(store: Store) -> None:
    rows = list_refs(create_rows(store, 3))
    models = ModelChanges(store)
    run = models.create_run(models.create_model("mine", None).id, "first", {"a": 1})
    models.add_rows(run.id, rows)
    models.add_rows(run.id, rows)
    models.assign_split(run.id, DataSplit.TEST, rows[:1])
    models.remove_rows(run.id, rows[1:2])
    with store.reading() as connection:
        members = connection.select(ModelRunRow, Clause("model_run_id = :id", id=run.id), order="no")
    assert [(member.data_row_no, member.data_split) for member in members] == [
        (rows[0].no, "TEST"), (rows[2].no, "UNASSIGNED"),
    ]  # fmt: skip
    assert models.set_config(run.id, None).training_metadata is None
    models.delete_models([run.model_id])


def test_projects_groups_and_slices_are_built(store: Store) -> None:
    chat = build_content({"type": "application/vnd.labelbox.conversational", "messages": {}})
    fields = {"name": "evaluation"}
    project = ProjectChanges(store).create_with_rows(FirstRows(2, chat, "chats", appends=False), fields)
    tag = ProjectChanges(store).create_tag("mine", "ffffff")
    ProjectChanges(store).set_tags(project.id, [tag.id])
    with store.reading() as connection:
        person, role = connection.select(Person, first=1)[0], connection.select(Role, first=1)[0]
    ProjectChanges(store).set_member(project.id, person.id, role.id)
    copy = ProjectChanges(store).clone(project.id)
    assert copy.id != project.id
    group = GroupChanges(store).create(GroupSettings("mine", "9EC5FF", "", [copy.id], [Membership(person.id, role.id)]))
    GroupChanges(store).delete(group.id)
    invite = GroupChanges(store).invite("new@example.com", role.id, [Membership(copy.id, role.id)])
    assert invite is not None
    GroupChanges(store).cancel_invite(invite.id)
    SliceChanges(store).delete(SliceChanges(store).create("mine", None, JsonText("[]")).id)
    with store.reading() as connection:
        assert connection.count(ProjectRow, Clause("project_id = :id", id=project.id)) == 2
        assert connection.one_by_id(Project, copy.id).name == "evaluation (copy)"


# A law: upserts against a small model of the world


KEYS = st.sampled_from(["a", "b", "c"])
STEP = st.tuples(st.sampled_from(["create", "upsert", "delete"]), KEYS, st.booleans())


def test_any_sequence_of_upserts_keeps_one_live_row_for_a_key(tmp_path: Path) -> None:
    with open_store(build_database(tmp_path), "empty") as store:
        numbers = itertools.count()

        @given(st.lists(STEP, max_size=12))
        def law(steps: list[tuple[str, str, bool]]) -> None:
            check_upserts(store, f"{next(numbers)}", steps)

        law()


def check_upserts(store: Store, name: str, steps: list[tuple[str, str, bool]]) -> None:
    """Compares the data rows of a new dataset with a small model: the id of the live row of each key."""
    dataset = CatalogChanges(store).create_dataset(name=name).id
    live: dict[str, str] = {}
    ids: set[str] = set()
    for action, letter, full in steps:
        key = f"{name}-{letter}"
        if action == "delete":
            if key in live:
                CatalogChanges(store).delete_data_rows([live.pop(key)])
            continue
        spec = RowSpec(dataset_id=dataset, content=CONTENT, global_key=key)
        if action == "upsert":
            content = CONTENT if full else None
            spec = RowSpec(key_type=KeyType.GLOBAL_KEY, key=key, dataset_id=dataset, content=content, external_id="x")
        [outcome] = DataRowChanges(store).upsert([spec])
        refused = key in live if action == "create" else key not in live and not full
        assert isinstance(outcome, Refusal) == refused
        if isinstance(outcome, DataRow):
            assert (outcome.id in ids) == (key in live)
            live[key] = outcome.id
            ids.add(outcome.id)
    with store.reading() as connection:
        rows = connection.select(DataRow, Clause("dataset_id = :id AND NOT deleted", id=dataset))
    assert {row.global_key: row.id for row in rows} == live
