"""Imports of data rows from uploaded files: a manifest with chunks, or one list of rows.

A file is read from its beginning to its end before anything is changed, so that a file that is damaged changes nothing.
Then rows are created in groups, each group in one transaction, and what became of each row is recorded with them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import Future
from functools import partial
from itertools import islice
from typing import Any

import orjson

from mockserver.conversion import decode
from mockserver.errors import BadInput, MalformedRequest, QueryNotValid
from mockserver.imports.manifests import DamagedItem, Manifest, decode_chunk, iterate_items, parse_manifest
from mockserver.imports.metadata import MetadataReader
from mockserver.imports.refusals import ContentRefused, ItemRefused
from mockserver.imports.row_specs import RowReader, render_refused
from mockserver.jobs.import_results import render_error
from mockserver.jobs.task_jobs import TaskJobs
from mockserver.jobs.uploads import Uploads
from mockserver.world.changes.data_rows import DataRowChanges, ImportItem
from mockserver.world.file_rules import FileRule
from mockserver.world.new_rows import Refusal, RowSpec
from mockserver.world.records.data_rows import DataRow, Dataset, Embedding, MetadataSchema
from mockserver.world.records.tasks import JSON_IMPORT, UPSERT_ROWS, Task
from mockserver.world.store import Store

ROWS_TOGETHER = 50
"""Rows of one transaction, some 5 ms, in which no other change can be made."""
MOST_SYNC = 1_000
"""Rows of appendRowsToDatasetSync (SDK dataset.py 3.40.1:126)."""
MOST_CHUNKS = 1_000
MOST_MANIFEST = 1024 * 1024
"""Bytes. It is read on the event loop."""
MOST_FILE = 64 * 1024 * 1024
"""Bytes of a file of data rows, which is held in memory. SDKs send chunks of 10 MB."""

ReadItem = Callable[[Any], RowSpec]
Check = Callable[[], None]


class RowImports:
    """The imports of one workspace."""

    def __init__(self, store: Store, uploads: Uploads, jobs: TaskJobs) -> None:
        self._store, self._uploads, self._jobs = store, uploads, jobs
        self._rows = DataRowChanges(store)

    def start_upsert(self, manifest_url: str, *, base_url: str) -> tuple[Task, Future[None]]:
        """Starts the import of a manifest. Raises BadInput when it cannot be read, or a chunk is not here."""
        manifest = parse_manifest(self._read(manifest_url, MOST_MANIFEST))
        if len(manifest.chunk_uris) > MOST_CHUNKS:
            raise BadInput(f"The manifest has {len(manifest.chunk_uris):,} chunks; at most {MOST_CHUNKS:,} are read")
        for url in manifest.chunk_uris:
            self._find(url, MOST_FILE)
        work = partial(self._upsert, manifest)
        return self._jobs.start(work, type=UPSERT_ROWS, name=JSON_IMPORT, base_url=base_url)

    def start_append(self, dataset_id: str, url: str, *, base_url: str) -> tuple[Task, Future[None]]:
        """Starts the import of one file into a dataset. Raises NotFound, BadInput."""
        self._check_dataset(dataset_id)
        self._find(url, MOST_FILE)
        work = partial(self._append, dataset_id, url)
        return self._jobs.start(work, type=JSON_IMPORT, name=JSON_IMPORT, base_url=base_url)

    def append(self, dataset_id: str, url: str, *, base_url: str) -> None:
        """Imports one file into a dataset. Raises MalformedRequest after it has created the other data rows where some
        cannot be, as for a repeated global key (SDK tests test_data_rows.py
        test_data_row_bulk_creation_sync_with_same_global_keys 3.72.2). Raises NotFound, BadInput, QueryNotValid.
        """
        self._check_dataset(dataset_id)
        items = list(islice(self._iterate(url), MOST_SYNC + 1))
        if len(items) > MOST_SYNC:
            raise MalformedRequest(
                f"The file has more than {MOST_SYNC:,} data rows; import them asynchronously by appendRowsToDataset"
            )
        outcomes = self._rows.upsert(self._read_specs([partial(_read_row, item, dataset_id) for item in items]))
        errors = [
            render_error(outcome.message, orjson.loads(render_refused(item)))
            for item, outcome in zip(items, outcomes, strict=True)
            if isinstance(outcome, Refusal)
        ]
        if errors:
            errors_url = base_url + self._keep_errors(errors)
            raise MalformedRequest(f"Some data rows were not imported. Check error output here: {errors_url}")

    def create(self, reads: list[Callable[[RowReader], RowSpec]]) -> list[DataRow]:
        """Creates data rows, all of them or none. Raises MalformedRequest, QueryNotValid."""
        return self._rows.upsert_or_refuse(self._read_specs(reads))

    def _read_specs(self, reads: list[Callable[[RowReader], RowSpec]]) -> list[RowSpec]:
        """Raises MalformedRequest, and QueryNotValid for a content of another media type than the one beside it (SDK
        tests test_data_rows.py test_create_data_row_with_media_type, test_invalid_media_type 3.72.2)."""
        reader = self._build_reader()
        try:
            return [read(reader) for read in reads]
        except ContentRefused as error:
            raise QueryNotValid(
                f"Media type validation failed, expected: '{error.expected}', was: {error.detected}"
            ) from None
        except ItemRefused as error:
            raise MalformedRequest(str(error)) from None

    def _keep_errors(self, errors: list[dict[str, object]]) -> str:
        """The path of a new file that lists them."""
        file = self._uploads.receive("errors.json", "application/json", *self._uploads.new_ids(1))
        try:
            file.write(orjson.dumps(errors))
            file.close()
            return self._uploads.build_path(self._uploads.keep(file))
        finally:
            self._uploads.discard(file)

    def _check_dataset(self, dataset_id: str) -> None:
        with self._store.reading() as connection:
            connection.one_by_id(Dataset, dataset_id)

    def _build_reader(self) -> RowReader:
        with self._store.reading() as connection:
            schemas, embeddings = connection.select(MetadataSchema), connection.select(Embedding)
        files = decode(self._store.workspace.files, list[FileRule])
        return RowReader(MetadataReader(schemas), embeddings, files)

    # The work of a task

    def _upsert(self, manifest: Manifest, task: Task, check_running: Check) -> None:
        count = sum(self._count_items(url, check_running) for url in manifest.chunk_uris)
        if manifest.item_count is not None and manifest.item_count != count:
            raise BadInput(f"The manifest has an item_count of {manifest.item_count:,}, but its chunks {count:,} items")
        position = 0
        for url in manifest.chunk_uris:
            position = self._import(task, url, self._build_reader().read_item, position, check_running)

    def _append(self, dataset_id: str, url: str, task: Task, check_running: Check) -> None:
        self._count_items(url, check_running)
        self._import(task, url, partial(self._build_reader().read_row, dataset_id=dataset_id), 0, check_running)

    def _count_items(self, url: str, check_running: Check) -> int:
        """Reads a file to its end. Raises BadInput."""
        count = 0
        for _ in self._iterate(url):
            count += 1
            if count % ROWS_TOGETHER == 0:
                check_running()
        return count

    def _import(self, task: Task, url: str, read: ReadItem, position: int, check_running: Check) -> int:
        """Imports a file whose first row has this position in the task. Returns the position behind its last row."""
        items = self._iterate(url)
        while together := list(islice(items, ROWS_TOGETHER)):
            check_running()
            self._rows.import_rows(task.no, position, [_build_item(item, read) for item in together])
            position += len(together)
        return position

    def _iterate(self, url: str) -> Iterator[Any]:
        return iterate_items(decode_chunk(self._read(url, MOST_FILE)))

    def _read(self, url: str, most: int) -> bytes:
        return self._uploads.read(self._find(url, most))

    def _find(self, url: str, most: int) -> str:
        """The id of the upload behind a URL, of at most so many bytes. Raises BadInput, NotFound."""
        upload = self._uploads.find_by_url(url)
        if upload is None:
            raise BadInput(
                f"The URL {url[:200]!r} is no file that was uploaded to this workspace; upload it by uploadFile:"
                " nothing is fetched from other servers"
            )
        if upload.size > most:
            raise BadInput(f"The file {upload.name[:100]!r} has {upload.size:,} bytes; at most {most:,} are read")
        return upload.id


def _read_row(item: Any, dataset_id: str, reader: RowReader) -> RowSpec:
    _check_text(item)
    return reader.read_row(item, dataset_id=dataset_id)


def _build_item(item: Any, read: ReadItem) -> ImportItem:
    try:
        _check_text(item)
        spec: RowSpec | Refusal = read(item)
    except ItemRefused as error:
        spec = Refusal(str(error))
    return ImportItem(spec, partial(render_refused, item.item if isinstance(item, DamagedItem) else item))


def _check_text(item: Any) -> None:
    """Raises ItemRefused."""
    if isinstance(item, DamagedItem):
        raise ItemRefused("A text of the item has half of a surrogate pair; expected characters of Unicode")
