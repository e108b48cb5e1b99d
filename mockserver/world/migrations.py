"""The versions of what a state holds, and the statements that bring a world of an older version to this one.

A SQLite file carries its version (`PRAGMA user_version`) and is migrated when it is opened; a PostgreSQL database is
migrated as a whole when a server starts. Each migration is one transaction.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import NamedTuple

from mockserver.world.schema import schema_parts

FIRST_FORMAT = 2
"""The first version whose states later ones can read."""
CHECKSUMS = {
    2: "e87f81f3152e6382",
    3: "b019fc83d7e93c60",
    4: "abc29dc826e94b4e",
    5: "2f4887ad45941d4a",
    6: "c84c156ae8a1070a",
    7: "94e00460f84c6f1b",
}
"""The checksums of the tables of earlier versions, as the manifests of their states have them."""


class Migration(NamedTuple):
    """A step to the next version: statements in the portable dialect (schema.sql)."""

    format: int
    statements: tuple[str, ...]


MIGRATIONS: tuple[Migration, ...] = (
    Migration(
        3,
        (
            "ALTER TABLE workspace ADD COLUMN key_revoked BOOLEAN NOT NULL DEFAULT FALSE",
            "ALTER TABLE catalog_slice ADD COLUMN sorting TEXT",
            """CREATE TABLE project_workflow (
              project_id TEXT PRIMARY KEY, config TEXT NOT NULL, updated_at BIGINT NOT NULL
            )""",
        ),
    ),
    Migration(
        4,
        (
            "DROP TABLE parameter_override",
            """CREATE TABLE label_feedback (
              label_no BIGINT PRIMARY KEY, id TEXT NOT NULL, feedback TEXT NOT NULL, scores TEXT NOT NULL,
              created_at BIGINT NOT NULL, updated_at BIGINT NOT NULL
            )""",
        ),
    ),
    Migration(5, ("ALTER TABLE workspace ADD COLUMN files TEXT NOT NULL DEFAULT '[]'",)),
    Migration(
        6,
        (
            "ALTER TABLE person ADD COLUMN deleted BOOLEAN NOT NULL DEFAULT FALSE",
            "ALTER TABLE dataset ADD COLUMN signer_id TEXT",
            "ALTER TABLE project ADD COLUMN review_quota DOUBLE PRECISION",
            "ALTER TABLE project ADD COLUMN frontend_options TEXT",
            "ALTER TABLE project_row ADD COLUMN reserved_by TEXT",
            """CREATE TABLE iam_integration (
              id TEXT PRIMARY KEY, name TEXT NOT NULL, provider TEXT NOT NULL, settings TEXT NOT NULL,
              is_org_default BOOLEAN NOT NULL, last_valid_at BIGINT, created_at BIGINT NOT NULL,
              updated_at BIGINT NOT NULL
            )""",
            """CREATE TABLE group_invite (
              invite_id TEXT NOT NULL, group_id TEXT NOT NULL, role_id TEXT NOT NULL, PRIMARY KEY (invite_id, group_id)
            )""",
            """CREATE TABLE group_event (
              no SERIAL, id TEXT NOT NULL UNIQUE, group_id TEXT NOT NULL, type TEXT NOT NULL, channel TEXT NOT NULL,
              actor_id TEXT, member_id TEXT, previous_role_id TEXT, role_id TEXT, project_id TEXT,
              occurred_at BIGINT NOT NULL
            )""",
            "ALTER TABLE model_run ADD COLUMN model_app_id TEXT",
            """CREATE TABLE label_version (
              no SERIAL, id TEXT NOT NULL UNIQUE, label_id TEXT NOT NULL, project_id TEXT NOT NULL,
              data_row_no BIGINT NOT NULL, action TEXT NOT NULL, created_by TEXT NOT NULL, created_at BIGINT NOT NULL,
              queue_id TEXT, queue_name TEXT, queue_type TEXT, feature_prefix TEXT NOT NULL, body_id BIGINT NOT NULL,
              annotation_count INTEGER NOT NULL
            )""",
            "CREATE INDEX label_version_of_project ON label_version (project_id, no)",
            """CREATE TABLE run_metric (
              no SERIAL, id TEXT NOT NULL UNIQUE, model_run_id TEXT NOT NULL, data_row_no BIGINT NOT NULL, name TEXT,
              feature_name TEXT, subclass_name TEXT, aggregation TEXT NOT NULL, value TEXT NOT NULL,
              created_at BIGINT NOT NULL
            )""",
            "CREATE INDEX run_metric_of_row ON run_metric (model_run_id, data_row_no)",
            """CREATE TABLE foundry_app (
              id TEXT PRIMARY KEY, model_id TEXT NOT NULL, name TEXT NOT NULL, description TEXT,
              inference_params TEXT NOT NULL, class_to_schema_id TEXT NOT NULL, ontology_id TEXT NOT NULL,
              experiment_id TEXT, created_by TEXT NOT NULL, created_at BIGINT NOT NULL
            )""",
            """CREATE TABLE project_workforce (
              project_id TEXT PRIMARY KEY, id TEXT NOT NULL, status TEXT NOT NULL, created_by TEXT NOT NULL,
              requested_by TEXT, created_at BIGINT NOT NULL, updated_at BIGINT NOT NULL
            )""",
            "ALTER TABLE workspace ADD COLUMN requested_faults BIGINT NOT NULL DEFAULT 0",
            "ALTER TABLE task ADD COLUMN polls BIGINT NOT NULL DEFAULT 0",
            "ALTER TABLE task ADD COLUMN requested_failure TEXT",
            "ALTER TABLE task ADD COLUMN hangs BOOLEAN NOT NULL DEFAULT FALSE",
            "ALTER TABLE annotation_import ADD COLUMN polls BIGINT NOT NULL DEFAULT 0",
            "ALTER TABLE legacy_file ADD COLUMN polls BIGINT NOT NULL DEFAULT 0",
            "CREATE TABLE poll (no SERIAL, name TEXT NOT NULL UNIQUE, since BIGINT NOT NULL, polls BIGINT NOT NULL)",
            """CREATE TABLE fault (
              no SERIAL, rule TEXT NOT NULL, ends BIGINT, calls BIGINT NOT NULL, hits BIGINT NOT NULL,
              window_no BIGINT NOT NULL, passed BIGINT NOT NULL
            )""",
        ),
    ),
    Migration(
        7,
        (
            """CREATE TABLE api_key (
              id TEXT PRIMARY KEY, name TEXT NOT NULL, user_id TEXT NOT NULL, role_id TEXT NOT NULL,
              created_by TEXT NOT NULL, allowed_ip_cidrs TEXT NOT NULL, expires_at BIGINT NOT NULL,
              revoked BOOLEAN NOT NULL, created_at BIGINT NOT NULL, updated_at BIGINT NOT NULL
            )""",
        ),
    ),
    Migration(
        8,
        (
            "ALTER TABLE annotation_import ADD COLUMN rows_done BIGINT NOT NULL DEFAULT 0",
            "ALTER TABLE annotation_import ADD COLUMN ended BOOLEAN NOT NULL DEFAULT TRUE",
        ),
    ),
)
"""In order, one for each version. A change of schema.sql is a migration: a test compares both."""
FORMAT = MIGRATIONS[-1].format
"""Raised with every change of a state that other versions cannot read."""


def can_migrate(format: int, tables: str) -> bool:  # noqa: A002  the word of the manifest
    """Whether a state of this version and checksum is older, and can be brought to this version."""
    return CHECKSUMS.get(format) == tables


def list_migrations(since: int) -> Sequence[Migration]:
    """The steps from a version to this one."""
    return [migration for migration in MIGRATIONS if migration.format > since]


def checksum_of_tables() -> str:
    """A checksum of the schema, in which two versions of one format differ during development."""
    return hashlib.blake2b("".join(schema_parts()).encode(), digest_size=8).hexdigest()
