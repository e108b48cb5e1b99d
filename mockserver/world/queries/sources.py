"""Joins of tables to select from, with the aliases that conditions and columns use."""

from __future__ import annotations

from mockserver.world.database import Source

DATA_ROWS = Source("data_row dr")
PROJECT_ROWS = Source("project_row pr JOIN data_row dr ON dr.no = pr.data_row_no")
"""The data rows of projects."""
MODEL_RUN_ROWS = Source("model_run_row mr JOIN data_row dr ON dr.no = mr.data_row_no")
"""The data rows of model runs."""
PREDICTIONS = Source(
    f"{MODEL_RUN_ROWS.sql} JOIN prediction p ON p.data_row_no = mr.data_row_no AND p.model_run_id = mr.model_run_id"
)
"""The predictions on the data rows of model runs."""
LABELS = Source("label l JOIN data_row dr ON dr.no = l.data_row_no")
"""Labels with their data rows."""
EMBEDDING_VECTORS = Source("embedding_vector ev JOIN data_row dr ON dr.no = ev.data_row_no")
