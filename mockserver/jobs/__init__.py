"""The work that clients start, and that may take seconds: imports of files, rows sent to projects, edits of labels."""
