"""The content of a workspace as records: each is a row of a table. Their changes are in `world/changes`."""
