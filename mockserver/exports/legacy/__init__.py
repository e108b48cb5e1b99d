"""Export V1: one element for each label, frames behind a URL of their own, and files of data rows."""
