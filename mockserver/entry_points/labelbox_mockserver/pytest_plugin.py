"""The pytest plugin: `labelbox_server` for the session, a workspace for each test, module or session, a certification.

No server starts before a test requests it. All xdist workers share one server, which ends with the session, even if the
session is killed. pytest loads the plugin in every session of the environment, so it imports only pytest at first, and
not even `mockserver`: a session that does not use the fixtures may have a module of its own with that name.
"""

from __future__ import annotations

import datetime
import os
import uuid
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest

from . import describe_foreign_module
from .pytest_settings import MARK_WORDS, OPTIONS, list_options, parse_seed, read_setting

if TYPE_CHECKING:
    from mockserver.certification import Report
    from mockserver.testing.server import MockServer
    from mockserver.testing.workspace import MockWorkspace

EXPLORATION = "labelbox-exploration"
"""The name of the plugin that runs tests again with faults."""
FIXTURES = ("labelbox_mock", "labelbox_mock_module", "labelbox_mock_session")
"""Fixtures that are workspaces."""
_SESSION = pytest.StashKey[tuple[str, int]]()


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("labelbox", "the mock Labelbox server")
    for name, text in OPTIONS.items():
        group.addoption(f"--{name.replace('_', '-')}", dest=name, default=None, help=text)
        parser.addini(name, help=text, type="string", default=None)

    group.addoption(
        "--labelbox-explore",
        dest="labelbox_explore",
        action="store_true",
        help="run each test that uses labelbox_mock again with one fault at each call of its client",
    )
    group.addoption(
        "--labelbox-explore-deadline",
        dest="labelbox_explore_deadline",
        type=float,
        default=None,
        metavar="SECONDS",
        help="how long a test may take with a fault (default: 150)",
    )


def pytest_configure(config: pytest.Config) -> None:
    words = "=…, ".join(MARK_WORDS)
    config.addinivalue_line("markers", f"labelbox({words}=…): the workspace that the test gets from labelbox_mock")
    if (word := read_setting(config, "labelbox_real_hosts")) not in {None, "allow"}:
        raise pytest.UsageError(
            f"--labelbox-real-hosts (or labelbox_real_hosts) is {word!r}; expected allow, or nothing"
        )
    if (seed := read_setting(config, "labelbox_seed")) is not None:
        parse_seed(seed)  # a wrong one ends the session here, not in each test
    if config.getoption("labelbox_explore"):
        from mockserver.testing.exploration import DEADLINE, Exploration

        deadline = config.getoption("labelbox_explore_deadline")
        config.pluginmanager.register(Exploration(DEADLINE if deadline is None else deadline), EXPLORATION)


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    """Sends each xdist worker the name of the session, by which it finds the server."""
    node.workerinput["mockserver_session"] = _session_of(node.config)


def _session_of(config: pytest.Config) -> tuple[str, int]:
    """The name of this session, and the process with which the server ends."""
    inherited = getattr(config, "workerinput", {}).get("mockserver_session")
    if inherited is not None:
        return str(inherited[0]), int(inherited[1])
    if _SESSION not in config.stash:
        config.stash[_SESSION] = (uuid.uuid4().hex, os.getpid())
    return config.stash[_SESSION]


def pytest_unconfigure(config: pytest.Config) -> None:
    """Stops the server in the session's own process; workers do not."""
    if _SESSION in config.stash and describe_foreign_module() is None:
        from mockserver.testing import session

        session.stop(_session_of(config)[0])


# The guard


@pytest.hookimpl(wrapper=True)
def pytest_runtest_setup(item: pytest.Item) -> Iterator[None]:
    with _guard(item):
        return (yield)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Iterator[None]:
    with _guard(item):
        return (yield)


@contextmanager
def _guard(item: pytest.Item) -> Iterator[None]:
    """Fails a test that uses the fixtures and tries to reach the real service; other tests are not touched."""
    uses_mock = "labelbox_server" in getattr(item, "fixturenames", ())
    if (
        not uses_mock
        or read_setting(item.config, "labelbox_real_hosts") == "allow"
        or describe_foreign_module() is not None
    ):
        yield
        return
    from mockserver.testing.guard import EscapedError, guard_real_hosts

    try:
        with guard_real_hosts():
            yield
    except EscapedError as error:
        pytest.fail(str(error), pytrace=False)


# The report of a failing test


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Generator[None, Any, None]:
    """Adds the requests of the client to the report of a failing test, while its workspace is there."""
    outcome = yield
    report = outcome.get_result()
    if call.when == "call" and report.failed:
        fixtures = getattr(item, "funcargs", {})
        since = datetime.datetime.fromtimestamp(call.start, datetime.UTC).isoformat()
        for name in FIXTURES:
            if name in fixtures and (text := _describe_requests(fixtures[name], since)):
                report.sections.append((f"requests to {name}", text))


def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
    """Shows what an exploration of faults has found."""
    if config.getoption("labelbox_explore"):
        from mockserver.testing.exploration import find_texts

        for text in find_texts(terminalreporter):
            terminalreporter.section("exploration of faults", sep="-")
            terminalreporter.write_line(text)


def _describe_requests(workspace: MockWorkspace, since: str) -> str:
    """The text of the section; why there is none if the server does not answer."""
    from mockserver.testing.errors import MockServerError
    from mockserver.testing.journal import describe_requests

    try:
        return describe_requests(workspace, since)
    except MockServerError as error:
        return f"not known: {error}"


# Fixtures


def _check_module() -> None:
    """Fails the test in one sentence if another module has our name."""
    __tracebackhide__ = True
    if (foreign := describe_foreign_module()) is not None:
        pytest.fail(foreign, pytrace=False)


@pytest.fixture(scope="session")
def labelbox_server(pytestconfig: pytest.Config) -> MockServer:
    """The server of this session. If it cannot start, the tests that request it fail."""
    _check_module()
    from mockserver.testing import session

    name, parent = _session_of(pytestconfig)
    url = read_setting(pytestconfig, "labelbox_server_url")
    if url is not None:
        return session.connect(url, read_setting(pytestconfig, "labelbox_control_token"))
    return session.start(name, parent, read_setting(pytestconfig, "labelbox_server_python"))


@pytest.fixture
def labelbox_mock(request: pytest.FixtureRequest, labelbox_server: MockServer) -> Iterator[MockWorkspace]:
    """A fresh workspace, deleted after the test. `@pytest.mark.labelbox(…)` chooses its content."""
    yield from _lend_workspace(request, labelbox_server)


@pytest.fixture(scope="module")
def labelbox_mock_module(request: pytest.FixtureRequest, labelbox_server: MockServer) -> Iterator[MockWorkspace]:
    """A workspace that the tests of a module share. The marks of the module choose its content."""
    yield from _lend_workspace(request, labelbox_server)


@pytest.fixture(scope="session")
def labelbox_mock_session(request: pytest.FixtureRequest, labelbox_server: MockServer) -> Iterator[MockWorkspace]:
    """A workspace that all tests share; with xdist, all tests of one worker. The options choose its content."""
    yield from _lend_workspace(request, labelbox_server)


def _lend_workspace(request: pytest.FixtureRequest, server: MockServer) -> Iterator[MockWorkspace]:
    __tracebackhide__ = True
    workspace = server.workspace(**list_options(request.node, request.config))
    exploration = request.config.pluginmanager.get_plugin(EXPLORATION) if request.scope == "function" else None
    if exploration is not None:
        exploration.begin(workspace)
    yield workspace
    if exploration is not None:
        exploration.end(workspace)
    workspace.delete()


@pytest.fixture(scope="session")
def certify_webhook_receiver() -> Callable[..., Report]:
    """`certify_webhook_receiver(url, secret=…)` fails the test with the report, or returns the report.

    With `app=…` and `path="/hook"` in place of the URL an ASGI or WSGI application is served for the certification.
    With `strict=True` remarks fail the test too; further options are those of `mockserver.certification.certify`.
    """
    _check_module()
    from mockserver.certification import as_text, certify

    def certify_receiver(url: str | None = None, *, secret: str, strict: bool = False, **options: Any) -> Report:
        __tracebackhide__ = True
        report = certify(url, secret=secret, **options)
        if not (report.flawless if strict else report.passed):
            pytest.fail(as_text(report), pytrace=False)
        return report

    return certify_receiver
