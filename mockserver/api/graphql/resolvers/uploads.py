"""Uploading files (SDK client.py upload_file, upload_data)."""

from __future__ import annotations

from typing import Any

import msgspec

from mockserver.api.graphql.call import Call
from mockserver.api.graphql.fields import Fields
from mockserver.jobs.uploads import UploadedFile


class UploadAnswer(msgspec.Struct, frozen=True):
    url: str
    filename: str


def add_to(fields: Fields) -> None:
    fields.add("Mutation", "uploadFile", upload_file)
    fields.add_attributes("UploadedFile", UploadAnswer, "url filename")


def upload_file(_source: Any, call: Call, file: UploadedFile, **_unchecked: Any) -> UploadAnswer:
    """Keeps the file. Its URL is signed whether or not `sign` requests it, as nothing here answers without a signature;
    `contentLength` is not compared with the file, because SDKs count wrongly (wire trap 18)."""
    upload = call.workspace.uploads.keep(file)
    return UploadAnswer(call.base_url + call.workspace.uploads.build_path(upload), upload.name)
