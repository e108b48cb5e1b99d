import functools
import gc
import os
import signal
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from contract_tests.clients import compatibility, matrix
from contract_tests.clients.compatibility import (  # noqa: F401  (hooks of pytest)
    pytest_runtest_logreport,
    pytest_sessionfinish,
)
from contract_tests.databases import open_catalog
from contract_tests.forking import Program
from contract_tests.serving import STATE_KINDS, ServedWorld
from mockserver.testing import MockWorkspace
from mockserver.world.postgres.catalog import Catalog

# Without files of bytecode, every start of a server or an SDK compiles all that it imports, and every worker all tests.
sys.dont_write_bytecode = False
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
NO_PLUGINS_OF_LIBRARIES = "-p no:schemathesis -p no:faker"
"""Options for the sessions of pytest that tests start: these plugins take three times as long as the rest."""
os.environ["PYTEST_ADDOPTS"] = NO_PLUGINS_OF_LIBRARIES

# A shell that runs the tests in the background makes them ignore Ctrl+C, and so every program that they start.
if signal.getsignal(signal.SIGINT) == signal.SIG_IGN and threading.current_thread() is threading.main_thread():
    signal.signal(signal.SIGINT, signal.default_int_handler)

SLOW = (
    "crash/",
    "replicas/",
    "clients/",
    "rules/certification/",
    "rules/commands/",
    "rules/contract/",
    "rules/serving/",
    "rules/testing/",
    "rules/api/graphql/resolvers/test_comparisons.py",
    "rules/api/graphql/resolvers/test_fields.py",
    "rules/api/graphql/test_bounds.py",
    "rules/api/graphql/test_cost.py",
    "rules/api/graphql/test_endpoint.py",
    "rules/api/graphql/test_kept_documents.py",
    "rules/api/graphql/test_long_changes.py",
    "rules/api/graphql/test_long_reads.py",
    "rules/api/graphql/test_plans.py",
    "rules/api/test_browsers.py",
    "rules/api/test_crowd.py",
    "rules/api/test_deleted_downloads.py",
    "rules/api/test_faults.py",
    "rules/api/test_frames.py",
    "rules/api/test_masks.py",
    "rules/api/test_object_store.py",
    "rules/api/test_results_life.py",
    "rules/api/test_running_exports.py",
    "rules/api/test_wrong_writes.py",
    "rules/console/",
    "rules/control/test_waiting.py",
    "rules/exports/test_faults.py",
    "rules/exports/test_frames.py",
    "rules/exports/test_samples.py",
    "rules/exports/test_selection.py",
    "rules/forwarding/",
    "rules/generate/files/",
    "rules/generate/media/test_geospatial.py",
    "rules/generate/test_history.py",
    "rules/generate/test_words.py",
    "rules/generate/test_worker.py",
    "rules/imports/test_wrong_lines.py",
    "rules/jobs/",
    "rules/storage/",
    "rules/test_command_line.py",
    "rules/test_documents.py",
    "rules/test_errors_page.py",
    "rules/test_first_hour.py",
    "rules/test_fuzzing.py",
    "rules/test_held.py",
    "rules/test_image.py",
    "rules/test_pytest_page.py",
    "rules/test_receivers_page.py",
    "rules/test_recipes.py",
    "rules/test_wheel.py",
    "rules/webhooks/test_deliveries.py",
    "rules/webhooks/test_dispatcher.py",
    "rules/webhooks/test_killed.py",
    "rules/webhooks/test_misbehaving.py",
    "rules/webhooks/test_outbox_limit.py",
    "rules/webhooks/test_retries.py",
    "rules/webhooks/test_unrecorded.py",
    "rules/workspaces/",
)
"""Folders and files of tests that take seconds, in the order in which they start, so that none of them is left for the
end. They are marked `slow`, as the cases on PostgreSQL and S3 are, and `make quick` leaves them out."""
LONGEST_IN_ID = 60
INDEPENDENT = {"crash/test_every_step.py"}
"""Files whose tests take long and share nothing: each of their tests may run in another worker."""

# A law is no speed test: a busy machine must not break it. CI tries the same examples each time.
settings.register_profile(
    "house",
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
    derandomize=bool(os.environ.get("CI")),
    print_blob=True,
)
settings.load_profile("house")


def pytest_configure(config: pytest.Config) -> None:
    ServedWorld.state_kind = config.getoption("--state-kind")
    ServedWorld.popen = Program


@pytest.fixture(scope="session")
def server() -> Iterator[ServedWorld]:
    """The default world, served for the whole session (each xdist worker has its own)."""
    with ServedWorld() as world:
        yield world


@pytest.fixture
def workspace(server: ServedWorld) -> Iterator[MockWorkspace]:
    """A default world of the test's own on the shared server, which costs some milliseconds."""
    own = server.workspace()
    yield own
    own.delete()


@pytest.fixture
def empty(server: ServedWorld) -> Iterator[MockWorkspace]:
    """An empty world of the test's own on the shared server."""
    own = server.workspace(scenario="empty")
    yield own
    own.delete()


@pytest.fixture
def pytester(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> pytest.Pytester:
    """Runs sessions of pytest. The options of the session around them do not apply to them."""
    monkeypatch.setenv("PYTEST_ADDOPTS", NO_PLUGINS_OF_LIBRARIES)
    return pytester


@pytest.fixture(scope="session")
def catalog() -> Iterator[Catalog]:
    """The lives and manifests of a PostgreSQL database."""
    with open_catalog() as catalog:
        yield catalog


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--state-kind", choices=STATE_KINDS, default=STATE_KINDS[0], help="what served worlds are kept in")
    compatibility.add_option(parser)
    matrix.add_option(parser)


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Keeps the tests of a file in one worker, so that a server or a world for the whole file is built once. Puts slow
    tests first."""
    compatibility.record_capabilities(items)
    matrix.drop_repetitions(config, items)
    for item in items:
        file = path_of(item)
        if file.startswith(SLOW) or "postgres" in item.name or "s3" in item.name:
            item.add_marker(pytest.mark.slow)
        if file not in INDEPENDENT and item.get_closest_marker("xdist_group") is None:
            item.add_marker(pytest.mark.xdist_group(file))
    items.sort(key=lambda item: place_in_order(path_of(item)))


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Iterator[None]:
    """Collects the tests without searching for garbage. Later searches leave them out, because all of them stay."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.freeze()
        gc.enable()


def pytest_make_parametrize_id(val: object, argname: str) -> str | None:
    """Shortens a long text in the id of a test: workers send ids to one another, and keep them, by the megabyte."""
    if isinstance(val, str | bytes) and len(val) > LONGEST_IN_ID:
        return f"{argname} {val[:LONGEST_IN_ID]!r} and {len(val) - LONGEST_IN_ID} more"
    return None


def path_of(item: pytest.Item) -> str:
    """The path of the file of a test, such as `rules/test_links.py`."""
    return path_below(item.path)


@functools.cache
def path_below(path: Path) -> str:
    return path.relative_to(Path(__file__).parent).as_posix()


@functools.cache
def place_in_order(file: str) -> int:
    return next((place for place, slow in enumerate(SLOW) if file.startswith(slow)), len(SLOW))
