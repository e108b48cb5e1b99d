"""Changes around projects: tags, members, instructions, copies, and the data rows that a new project begins with."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import msgspec
import orjson

from mockserver.errors import BadInput, Conflict, NotAllowed
from mockserver.world.change import Change
from mockserver.world.changes.batches import DEFAULT_PRIORITY, BatchChanges, Consensus
from mockserver.world.changes.catalog import CatalogChanges
from mockserver.world.changes.data_rows import DataRowChanges
from mockserver.world.changes.row_lookup import RowRef
from mockserver.world.changes.workflows import copy_workflow
from mockserver.world.clause import Clause
from mockserver.world.new_rows import Content, RowSpec
from mockserver.world.record import encode_json
from mockserver.world.records.data_rows import Dataset
from mockserver.world.records.events import EventKind
from mockserver.world.records.people import NO_ROLE, THROUGH_PROJECT, Person, ProjectMember, Role
from mockserver.world.records.projects import Ontology, Project, ProjectTag, ResourceTag
from mockserver.world.store import Store

INSTRUCTIONS = "projectInstructions"
"""The key of an ontology that has the URL of instructions (SDK tests test_ontology.py)."""


class FirstRows(NamedTuple):
    """The data rows that a new project begins with: how many, of which content, and the id or name of their dataset."""

    number: int
    content: Content
    dataset: str
    appends: bool
    """To a dataset that exists; otherwise it is new."""


class ProjectChanges:
    """The changes of one store's projects that are more than a column."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def create_with_rows(self, rows: FirstRows, fields: Mapping[str, Any]) -> Project:
        """Creates a project whose data rows are in its first batch, all of it or nothing. They have global keys (the
        SDK's tests, annotation_import/conftest.py `_create_prompt_response_project` 4.0.0 to 6.0.0), whose form is
        *inferred*. Raises NotFound."""
        with self._store.change() as change:
            project = CatalogChanges(self._store).create_project(**fields)
            dataset_id = self._find_dataset(change, rows)
            specs = [
                RowSpec(dataset_id=dataset_id, content=rows.content, global_key=f"{project.id}-{number}")
                for number in range(1, rows.number + 1)
            ]
            created = DataRowChanges(self._store).upsert_or_refuse(specs)
            refs = [RowRef(row.no, row.id) for row in created]
            BatchChanges(self._store).create_filled_batch(
                project.id, f"{project.name} batch", Consensus(), refs, DEFAULT_PRIORITY
            )
            return project

    def _find_dataset(self, change: Change, rows: FirstRows) -> str:
        if not rows.appends:
            return CatalogChanges(self._store).create_dataset(name=rows.dataset).id
        place = Clause("(id = :name OR name = :name) AND NOT deleted", name=rows.dataset)
        return change.connection.one(Dataset, place, f"Dataset {rows.dataset!r}").id

    def clone(self, project_id: str) -> Project:
        """Creates a project with the settings, ontology, tags and workflow of another, without its data rows. Its
        name and its workflow are inferred. Raises NotFound."""
        with self._store.change() as change:
            project = change.one(Project, project_id)
            copy = msgspec.structs.replace(
                project, id=change.new_id(), name=f"{project.name} (copy)", created_at=change.now,
                updated_at=change.now, created_by=self._store.workspace.user_id,
            )  # fmt: skip
            tags = change.connection.select(ProjectTag, Clause("project_id = :id", id=project.id))
            change.connection.insert([copy, *(ProjectTag(copy.id, tag.tag_id) for tag in tags)])
            copy_workflow(change, project.id, copy.id)
            change.add_event(EventKind.PROJECT_CREATED, project=copy.id)
            return copy

    def set_instructions(self, project_id: str, url: str) -> Project:
        """Puts the URL of instructions into the project's ontology. Raises NotFound, and Conflict without one."""
        with self._store.change() as change:
            project = change.one(Project, project_id)
            if project.ontology_id is None:
                raise Conflict(f"Project {project_id!r} has no ontology; connect one, then set its instructions")
            ontology = change.one(Ontology, project.ontology_id)
            document = orjson.loads(ontology.normalized) | {INSTRUCTIONS: url}
            place, text = Clause("id = :id", id=ontology.id), encode_json(document)
            change.connection.update(Ontology, place, normalized=text, updated_at=change.now)
            change.add_event(EventKind.PROJECT_UPDATED, project=project.id)
            return project

    # Tags

    def create_tag(self, text: str, color: str) -> ResourceTag:
        """Creates a tag. Its color is kept without `#` (the SDK's tests, test_project.py 7.17.0). Raises Conflict when
        there is a tag with this text."""
        with self._store.change() as change:
            if change.connection.count(ResourceTag, Clause("text = :text", text=text)):
                raise Conflict(f"There is a tag {text!r} already; give the new one another text")
            owner = self._store.workspace.user_id
            tag = ResourceTag(change.new_id(), text, color.removeprefix("#"), owner, change.now, change.now)
            change.connection.insert([tag])
            change.add_event(EventKind.SCHEMA_UPDATED, id=tag.id)
            return tag

    def delete_tag(self, tag_id: str) -> str:
        """Deletes a tag, from all projects as well. Raises NotFound."""
        with self._store.change() as change:
            tag = change.one(ResourceTag, tag_id)
            change.connection.delete(ProjectTag, Clause("tag_id = :id", id=tag.id))
            change.connection.delete(ResourceTag, Clause("id = :id", id=tag.id))
            change.add_event(EventKind.SCHEMA_UPDATED, id=tag.id)
            return tag.id

    def set_tags(self, project_id: str, tag_ids: Sequence[str]) -> list[ResourceTag]:
        """Replaces the tags of a project. Raises NotFound."""
        with self._store.change() as change:
            project = change.one(Project, project_id)
            tags = [change.one(ResourceTag, tag_id) for tag_id in dict.fromkeys(tag_ids)]
            change.connection.delete(ProjectTag, Clause("project_id = :id", id=project.id))
            change.connection.insert(ProjectTag(project.id, tag.id) for tag in tags)
            change.add_event(EventKind.PROJECT_UPDATED, project=project.id)
            return tags

    # Members

    def set_member(self, project_id: str, user_id: str, role_id: str) -> str:
        """Gives a user a role in a project; the role NONE removes the user. Returns the id of the membership. Raises
        NotFound."""
        with self._store.change() as change:
            change.one(Project, project_id)
            change.one(Person, user_id)
            role = change.one(Role, role_id)
            place = Clause("project_id = :project AND user_id = :user", project=project_id, user=user_id)
            known = change.connection.find(ProjectMember, place)
            change.connection.delete(ProjectMember, place)
            member_id = change.new_id() if known is None else known.id
            if role.name.upper() != NO_ROLE:
                member = ProjectMember(member_id, project_id, user_id, role.id, THROUGH_PROJECT)
                change.connection.insert([member])
            change.add_event(EventKind.PROJECT_UPDATED, project=project_id)
            return member_id

    def remove_members(self, project_id: str, user_ids: Sequence[str]) -> None:
        """Raises NotFound, and BadInput for a user who is no member."""
        with self._store.change() as change:
            change.one(Project, project_id)
            for user_id in user_ids:
                place = Clause("project_id = :project AND user_id = :user", project=project_id, user=user_id)
                if not change.connection.delete(ProjectMember, place):
                    raise BadInput(f"User {user_id!r} is no member of project {project_id!r}")
            change.add_event(EventKind.PROJECT_UPDATED, project=project_id)

    def set_organization_role(self, user_id: str, role_id: str) -> Role:
        """Raises NotFound, and NotAllowed for the owner of the API key."""
        with self._store.change() as change:
            if user_id == self._store.workspace.user_id:
                raise NotAllowed("The owner of the API key keeps their role; change that of another user")
            change.one(Person, user_id)
            role = change.one(Role, role_id)
            change.connection.update(Person, Clause("id = :id", id=user_id), role_id=role.id, updated_at=change.now)
            change.add_event(EventKind.SCHEMA_UPDATED, id=user_id)
            return role
