"""Members of user groups from a CSV, and the audit log of groups (SDK user_group_v2.py, user_group_audit.py)."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple, NoReturn

import msgspec

from mockserver.api.graphql.call import Call
from mockserver.api.graphql.fields import Fields
from mockserver.api.graphql.filters import read_id
from mockserver.api.graphql.pages import parse_cursor
from mockserver.api.graphql.resolvers.groups import NodePage
from mockserver.errors import BadInput, BodyTooLarge, NotFound
from mockserver.jobs.uploads import UploadedFile
from mockserver.world.changes.group_log import Channel
from mockserver.world.changes.groups import Membership
from mockserver.world.clause import Clause
from mockserver.world.queries.conditions import LIVE
from mockserver.world.records.groups import GroupEvent, GroupMember, UserGroup
from mockserver.world.records.people import Person, Role
from mockserver.world.records.projects import Project

MOST_BYTES, MOST_LINES = 4_000_000, 20_000
PAGE = 100
"""Entries of a page at most (SDK user_group_audit.py `_MAX_PAGE_SIZE`)."""
AUTOMATION, KEY = "AUTOMATION", "API key"
"""Kind and name of the only actor here: programs with the API key."""
ADDED, NOT_ADDED = "Added", "Not added"
UNKNOWN, MEMBER, REPEATED = (
    "User not found in the current organization", "Member already exists in group", "Email is repeated",
)  # fmt: skip
"""Words of the service (SDK user_group_v2.py UploadReportLine); those of a repeated address are inferred."""


class Line(NamedTuple):
    email: str
    result: str
    error: str


class Report(msgspec.Struct, frozen=True):
    csv_report: str
    added_count: int
    count: int


def add_to(fields: Fields) -> None:
    fields.add("Mutation", "importUsersAsCsvToGroup", import_members, long=True)
    fields.add_attributes("GroupImport", Report, "csvReport addedCount count")
    fields.add("Mutation", "continueAddUsersToGroupBatch", refuse_batch)
    fields.add_nulls("ContinuedBatch", "batchJob")
    fields.add("Query", "userGroupAuditEvents", page_events)
    fields.add_attributes("GroupEventPage", NodePage, "nodes nextCursor")
    attributes = "id groupId type occurredAt channel previousRoleId roleId projectId"
    fields.add_attributes("GroupEvent", GroupEvent, attributes, actorUserId="actor_id", memberUserId="member_id")
    fields.add("GroupEvent", "actorKind", lambda _source, _call: AUTOMATION)
    fields.add("GroupEvent", "automation", lambda source, _call: KEY if source.actor_id else "Removed user")
    fields.add("GroupEvent", "groupName", lambda source, call: _find_name(call.find(UserGroup, source.group_id)))
    fields.add("GroupEvent", "projectName", lambda source, call: _find_name(call.find(Project, source.project_id)))
    fields.add("GroupEvent", "roleName", lambda source, call: _find_name(call.find(Role, source.role_id)))
    fields.add(
        "GroupEvent", "previousRoleName", lambda source, call: _find_name(call.find(Role, source.previous_role_id))
    )


def _find_name(record: UserGroup | Project | Role | None) -> str | None:
    return None if record is None else record.name


def import_members(_source: Any, call: Call, roleId: str, file: UploadedFile, where: Mapping[str, Any]) -> Report:
    """Adds the users with these addresses to a group, and reports on each line. Raises NotFound, BadInput."""
    group, role = call.get(UserGroup, read_id(where, "importUsersAsCsvToGroup"), "User group"), call.get(Role, roleId)
    emails = list(_read_emails(call, file))
    people = {person.email.lower(): person.id for person in call.select(Person, LIVE)}
    members = call.select(GroupMember, Clause("group_id = :id", id=group.id))
    lines = list(_check_lines(emails, people, {member.user_id for member in members}))
    new = [Membership(people[line.email.lower()], role.id) for line in lines if line.result == ADDED]
    call.workspace.groups.add_members(group.id, new, Channel.CSV_IMPORT)
    return Report(_format_report(lines), len(new), len(lines))


def _read_emails(call: Call, file: UploadedFile) -> Iterator[str]:
    """The addresses of a CSV, whose first line is a header. Raises BodyTooLarge, BadInput."""
    if file.size > MOST_BYTES:
        raise BodyTooLarge(f"The file has {file.size:,} bytes; at most {MOST_BYTES:,} are read")
    try:
        text = call.workspace.uploads.read(file.id).decode("utf-8-sig")
        rows = list(csv.reader(io.StringIO(text)))
    except (UnicodeDecodeError, csv.Error) as error:
        raise BadInput(
            f"The file is no CSV in UTF-8 ({error}); expected the line email, and an address in each other"
        ) from None
    if not rows or [cell.strip().lower() for cell in rows[0][:1]] != ["email"]:
        raise BadInput(f"The first line of the file is {str(rows[:1])[:100]}; expected the header email")
    if len(rows) > MOST_LINES + 1:
        raise BadInput(f"The file has {len(rows) - 1:,} addresses; at most {MOST_LINES:,} are imported together")
    yield from (row[0].strip() for row in rows[1:] if row and row[0].strip())


def _check_lines(emails: list[str], people: Mapping[str, str], members: set[str]) -> Iterator[Line]:
    seen: set[str] = set()
    for email in emails:
        user_id = people.get(email.lower())
        error = UNKNOWN if user_id is None else MEMBER if user_id in members else ""
        if not error and email.lower() in seen:
            error = REPEATED
        seen.add(email.lower())
        yield Line(email, NOT_ADDED if error else ADDED, error)


def _format_report(lines: list[Line]) -> str:
    """A CSV with the columns that SDKs read. They split lines at commas, so that addresses have none."""
    rows = [Line("Email", "Result", "Error"), *lines]
    return "\n".join(",".join(cell.replace(",", " ") for cell in row) for row in rows)


def refuse_batch(_source: Any, _call: Call, batchJobId: str) -> NoReturn:
    """Users are added in the request, so that there is no batch to be continued. Raises NotFound."""
    raise NotFound(
        f"Batch job {batchJobId!r} does not exist: users are added to a group in one request, so no job is expected"
    )


def page_events(_source: Any, call: Call, where: Any = None, first: int = PAGE, after: str | None = None) -> NodePage:
    """A page of the audit log, the newest first; the cursor is the number of the last entry. Raises BadInput."""
    if not 0 < first <= PAGE:
        raise BadInput(f"first is {first}; expected 1 to {PAGE}")
    within = _build_condition(where or {})
    if after:
        within &= Clause("no < :after", after=parse_cursor(after))
    events = call.select(GroupEvent, within, order="no DESC", first=first + 1)
    return NodePage(events[:first], str(events[first - 1].no) if len(events) > first else None)


_CONDITIONS = {
    "groupId": "group_id = :value",
    "memberUserId": "member_id = :value",
    "actorUserId": "actor_id = :value",
    "projectId": "project_id = :value",
    "types": "type IN :value",
    "occurredAfter": "occurred_at >= :value",
    "occurredBefore": "occurred_at < :value",
}


def _build_condition(where: Mapping[str, Any]) -> Clause:
    condition = Clause("TRUE")
    for key, value in where.items():
        if value is not None and key in _CONDITIONS:
            condition &= Clause(_CONDITIONS[key], value=value)
    return condition & Clause("FALSE") if where.get("actorKind") not in (None, AUTOMATION) else condition
