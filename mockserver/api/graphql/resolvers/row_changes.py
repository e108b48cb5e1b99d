"""Attachments and global keys of data rows (SDK data_row.py, asset_attachment.py, client.py)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from mockserver.api.graphql.call import Call
from mockserver.api.graphql.fields import Fields
from mockserver.api.graphql.filters import read_id
from mockserver.conversion import decode
from mockserver.errors import BadInput, MalformedRequest
from mockserver.imports.refusals import ItemRefused
from mockserver.imports.row_specs import read_attachment
from mockserver.world.changes.global_keys import ASSIGN, CLEAR, Assigned, Assignment, Cleared
from mockserver.world.clause import Clause
from mockserver.world.new_rows import NewAttachment
from mockserver.world.records.data_rows import Attachment
from mockserver.world.records.jobs import Job

MOST_KEYS = 20_000
IN_PROGRESS, COMPLETE = "IN_PROGRESS", "COMPLETE"


class AssignmentData(msgspec.Struct, frozen=True):
    """No key belongs to another user here, so none is denied."""

    sanitized_assignments: list[Assignment]
    unmodified_assignments: list[Assignment]
    invalid_global_key_assignments: list[Assignment]
    access_denied_assignments: list[Assignment] = []


class ClearedData(msgspec.Struct, frozen=True):
    cleared_global_keys: list[str]
    not_found_global_keys: list[str]
    failed_to_clear_global_keys: list[str] = []
    access_denied_global_keys: list[str] = []


class AssignmentResult(msgspec.Struct, frozen=True):
    job_status: str
    data: AssignmentData | None = None


class ClearedResult(msgspec.Struct, frozen=True):
    job_status: str
    data: ClearedData | None = None


def add_to(fields: Fields) -> None:
    fields.add("Mutation", "createDataRowAttachment", create_attachment)
    fields.add("Mutation", "updateDataRowAttachment", update_attachment)
    fields.add("Mutation", "deleteDataRowAttachment", delete_attachment)
    fields.add("Mutation", "assignGlobalKeysToDataRows", assign_keys, long=True)
    fields.add("Mutation", "clearGlobalKeys", clear_keys, long=True)
    fields.add("Query", "assignGlobalKeysToDataRowsResult", get_assigned)
    fields.add("Query", "clearGlobalKeysResult", get_cleared)
    fields.add_attributes("AssignGlobalKeysResult", AssignmentResult, "jobStatus data")
    fields.add_attributes("ClearGlobalKeysResult", ClearedResult, "jobStatus data")
    names = "sanitizedAssignments unmodifiedAssignments invalidGlobalKeyAssignments accessDeniedAssignments"
    fields.add_attributes("AssignedGlobalKeys", AssignmentData, names)
    names = "clearedGlobalKeys failedToClearGlobalKeys notFoundGlobalKeys accessDeniedGlobalKeys"
    fields.add_attributes("ClearedGlobalKeys", ClearedData, names)
    fields.add("GlobalKeyAssignment", "dataRowId", lambda source, _call: source.data_row_id)
    fields.add("GlobalKeyAssignment", "globalKey", lambda source, _call: source.global_key)


# Attachments


def create_attachment(_source: Any, call: Call, data: Mapping[str, Any]) -> Attachment:
    """Raises NotFound, MalformedRequest."""
    return call.workspace.attachments.add(data["dataRowId"], _read_attachment(data))


def update_attachment(_source: Any, call: Call, where: Mapping[str, Any], data: Mapping[str, Any]) -> Attachment:
    """Changes what is sent and not null (SDK asset_attachment.py update). Raises NotFound, MalformedRequest."""
    values = {name: value for name, value in data.items() if value is not None}
    if not values or values.get("value") == "":
        raise MalformedRequest(f"An attachment was sent with {values!r}; expected a name, a type or a value with text")
    _read_attachment({"type": "RAW_TEXT", "value": "unchanged"} | values)
    return call.workspace.attachments.update(read_id(where, "updateDataRowAttachment"), **values)


def _read_attachment(data: Mapping[str, Any]) -> NewAttachment:
    """Raises MalformedRequest."""
    try:
        return read_attachment(dict(data))
    except ItemRefused as error:
        raise MalformedRequest(str(error)) from None


def delete_attachment(_source: Any, call: Call, where: Mapping[str, Any]) -> str:
    return call.workspace.attachments.delete(read_id(where, "deleteDataRowAttachment"))


# Global keys


def assign_keys(_source: Any, call: Call, data: Mapping[str, Any]) -> str:
    """The id of the job, whose result clients poll."""
    sent = data["assignInputs"]
    _check_number(len(sent))
    assignments = [Assignment(entry["dataRowId"], entry["globalKey"]) for entry in sent]
    return call.workspace.global_keys.assign(assignments).id


def clear_keys(_source: Any, call: Call, where: Mapping[str, Any]) -> str:
    keys = where.get("ids") or []
    _check_number(len(keys))
    return call.workspace.global_keys.clear(keys).id


def _check_number(keys: int) -> None:
    if keys > MOST_KEYS:
        raise BadInput(f"Too many global keys: {keys:,}; at most {MOST_KEYS:,} per request")


def get_assigned(_source: Any, call: Call, jobId: Mapping[str, Any]) -> AssignmentResult:
    job = _poll(call, jobId, ASSIGN)
    if job is None:
        return AssignmentResult(IN_PROGRESS)
    result = decode(job.result, Assigned)
    return AssignmentResult(COMPLETE, AssignmentData(result.sanitized, result.unmodified, result.invalid))


def get_cleared(_source: Any, call: Call, jobId: Mapping[str, Any]) -> ClearedResult:
    job = _poll(call, jobId, CLEAR)
    if job is None:
        return ClearedResult(IN_PROGRESS)
    result = decode(job.result, Cleared)
    return ClearedResult(COMPLETE, ClearedData(result.cleared, result.not_found))


def _poll(call: Call, where: Mapping[str, Any], kind: str) -> Job | None:
    """The job, or None while the progression shows that it runs. Raises NotFound."""
    job_id = read_id(where, f"{kind}Result", "jobId.id")
    job = call.one(Job, Clause("id = :id AND kind = :kind", id=job_id, kind=kind), f"Job {job_id!r} of {kind}")
    return job if call.is_processed(f"job {job.id}", since=job.created_at) else None
