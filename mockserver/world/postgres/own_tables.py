"""The tables beside those of worlds: whose database it is, its servers, lives and manifests of workspaces, results.

They have versions of their own: `state.own` says how many of the steps a database has.
"""

from __future__ import annotations

from mockserver.world.postgres.tables import DATA

FIRST_TABLES = f"""
CREATE TABLE {DATA}.state (
  product TEXT NOT NULL, format INTEGER NOT NULL, tables TEXT NOT NULL, written_by TEXT NOT NULL, server BIGINT NOT NULL
);
CREATE TABLE {DATA}.life (no BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY, name TEXT COLLATE "C" NOT NULL UNIQUE);
CREATE TABLE {DATA}.manifest (home TEXT COLLATE "C" PRIMARY KEY, content TEXT NOT NULL);
CREATE TABLE {DATA}.result (
  no BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY, life BIGINT NOT NULL, name TEXT COLLATE "C" NOT NULL,
  size BIGINT NOT NULL, modified_at DOUBLE PRECISION NOT NULL, deleted_at TIMESTAMPTZ, complete BOOLEAN NOT NULL
);
CREATE UNIQUE INDEX result_by_name ON {DATA}.result (life, name) WHERE complete AND deleted_at IS NULL;
CREATE INDEX result_deleted ON {DATA}.result (deleted_at) WHERE deleted_at IS NOT NULL;
CREATE TABLE {DATA}.result_part (
  result_no BIGINT NOT NULL, part BIGINT NOT NULL, content BYTEA NOT NULL, PRIMARY KEY (result_no, part)
);
ALTER TABLE {DATA}.result_part ALTER COLUMN content SET STORAGE EXTERNAL;
"""
"""The tables of the first version. `state.server` is the highest number that a server has been given."""

COUNT_STEPS = f"ALTER TABLE {DATA}.state ADD COLUMN IF NOT EXISTS own INTEGER NOT NULL DEFAULT 0"

OWN_MIGRATIONS: tuple[str, ...] = (
    f"""
CREATE TABLE {DATA}.replica (
  no BIGINT PRIMARY KEY, name TEXT NOT NULL, address TEXT NOT NULL, version TEXT NOT NULL,
  heartbeat TIMESTAMPTZ NOT NULL
);
ALTER TABLE {DATA}.state ADD COLUMN secret TEXT;
ALTER TABLE {DATA}.life ADD COLUMN owner BIGINT;
ALTER TABLE {DATA}.manifest ADD COLUMN owner BIGINT, ADD COLUMN slug TEXT COLLATE "C",
  ADD COLUMN used_at TIMESTAMPTZ NOT NULL DEFAULT now(), ADD COLUMN wake_at TIMESTAMPTZ DEFAULT now();
CREATE INDEX manifest_by_slug ON {DATA}.manifest (slug);
CREATE INDEX manifest_by_owner ON {DATA}.manifest (owner);
""",
    f"""
CREATE TABLE {DATA}.journal (
  life BIGINT PRIMARY KEY, received BIGINT NOT NULL, oldest BIGINT NOT NULL, bytes BIGINT NOT NULL,
  written_at TIMESTAMPTZ NOT NULL
);
CREATE TABLE {DATA}.journal_entry (
  life BIGINT NOT NULL, number BIGINT NOT NULL, size BIGINT NOT NULL, content BYTEA NOT NULL,
  PRIMARY KEY (life, number)
);
""",
    f"""
DO $$ BEGIN
  EXECUTE 'ALTER TABLE {DATA}.result_part ALTER COLUMN content SET COMPRESSION lz4';
  EXECUTE 'ALTER TABLE {DATA}.result_part ALTER COLUMN content SET STORAGE EXTENDED';
EXCEPTION WHEN syntax_error OR feature_not_supported THEN NULL;
END $$;
""",
    f"ALTER TABLE {DATA}.result_part ALTER COLUMN content SET STORAGE EXTERNAL",
)
"""In order; the next step is added at the end. The first: servers that share a database, which of them serves a
workspace (`owner`), the name in its links (`slug`), its last use, and when an unserved one has something to do. The
second: the journals of workspaces (`world/postgres/journals`). The third: results are compressed, where PostgreSQL is
14 or newer and built with LZ4, which is faster than writing all of their bytes. The fourth: PostgreSQL compresses none
of them, as servers do that (`world/postgres/files`); earlier versions could not read what they write."""
