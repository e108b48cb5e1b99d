"""The storage of workspaces: folders of SQLite files, or rows of a PostgreSQL database that servers may share."""
