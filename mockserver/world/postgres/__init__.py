"""Worlds in PostgreSQL: the rows of all workspaces in one set of tables. Needs `psycopg` (the extra `postgres`), so it
is imported only for a server whose state is there."""
