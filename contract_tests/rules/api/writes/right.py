"""Right arguments of every mutation and every request of REST that writes: each is done as it is, in a workspace with
one of everything. A mutation below `project` has its name behind `project.`.
"""

from contract_tests.rules.api.writes.building import Build
from contract_tests.rules.api.writes.right_catalog import CATALOG
from contract_tests.rules.api.writes.right_labels import LABELS
from contract_tests.rules.api.writes.right_models import MODELS
from contract_tests.rules.api.writes.right_ontologies import ONTOLOGIES, REST
from contract_tests.rules.api.writes.right_people import PEOPLE
from contract_tests.rules.api.writes.right_projects import BATCHES, PROJECTS

RIGHT: dict[str, Build] = {**PROJECTS, **BATCHES, **CATALOG, **ONTOLOGIES, **LABELS, **MODELS, **PEOPLE}
OF_FILES = {"uploadFile", "importUsersAsCsvToGroup"}
"""Mutations with a file of a multipart request, which have tests of their own (test_uploads.py, test_groups.py)."""
OF_TASKS = {
    "exportDataRowsInProject", "exportDataRowsInCatalog", "exportDataRowsInSlice", "exportDataRowsInModelRun",
    "exportLabels", "exportQueuedDataRows", "exportDatasetDataRows", "exportBatchDataRows", "exportModelRunAnnotations",
    "cancelBulkOperationJob",
}  # fmt: skip
"""Mutations that write nothing but their tasks."""
REFUSED = {"continueAddUsersToGroupBatch"}
"""Mutations that are always refused."""
ALL = RIGHT | REST
