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
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from . import describe_foreign_module

if TYPE_CHECKING:
    from mockserver.certification import Report
    from mockserver.testing.server import MockServer
    from mockserver.testing.workspace import MockWorkspace

MARK_WORDS = ("scenario", "seed", "ends", "payload_date", "switches", "incarnation", "progression")
SETTINGS = ("scenario", "seed", "ends", "payload_date")
"""Words of the mark that are also options."""
EXPLORATION = "labelbox-exploration"
"""The name of the plugin that runs tests again with faults."""
FIXTURES = ("labelbox_mock", "labelbox_mock_module", "labelbox_mock_session")
"""Fixtures that are workspaces."""
_SESSION = pytest.StashKey[tuple[str, int]]()
_OPTIONS = {
    "labelbox_scenario": "scenario of every workspace, a name or a TOML file (default: default)",
    "labelbox_seed": "seed of every workspace (default: 0)",
    "labelbox_ends": "when the generated history ends (default: the scenario's)",
    "labelbox_payload_date": "write exports in the form of this date (default: the scenario's)",
    "labelbox_server_url": "use a running server, for example in a container, instead of starting one",
    "labelbox_control_token": "control token of the server at labelbox_server_url",
    "labelbox_real_hosts": "allow: tests with the fixtures may reach labelbox.com (default: they fail)",
    "labelbox_server_python": "interpreter of the server, or own: an environment is made for it (default: this one)",
}


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("labelbox", "the mock Labelbox server")
    for name, text in _OPTIONS.items():
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
    if (word := _setting(config, "labelbox_real_hosts")) not in {None, "allow"}:
        raise pytest.UsageError(
            f"--labelbox-real-hosts (or labelbox_real_hosts) is {word!r}; expected allow, or nothing"
        )
    if (seed := _setting(config, "labelbox_seed")) is not None:
        _parse_seed(seed)  # a wrong one ends the session here, not in each test
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
        or _setting(item.config, "labelbox_real_hosts") == "allow"
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


# Settings


def _setting(config: pytest.Config, name: str) -> str | None:
    value = config.getoption(name)
    return str(value) if value is not None else config.getini(name) or None


def _parse_seed(text: str) -> int:
    try:
        return int(text)
    except ValueError:
        raise pytest.UsageError(
            f"--labelbox-seed (or labelbox_seed) is {text!r}; expected a whole number, for example --labelbox-seed 7"
        ) from None


def _scenario_setting(config: pytest.Config) -> str | None:
    """The scenario of the session: a path is relative to the current folder, or in the ini file to its folder."""
    option = config.getoption("labelbox_scenario")
    if option is not None:
        return _resolve_path(str(option), config.invocation_params.dir)
    configured = config.getini("labelbox_scenario")
    return _resolve_path(str(configured), config.rootpath) if configured else None


def _resolve_path(scenario: str, folder: Path) -> str:
    """The absolute path of a scenario's file; a name is unchanged."""
    is_path = "/" in scenario or os.sep in scenario or scenario.endswith(".toml") or (folder / scenario).is_file()
    return str(folder / scenario) if is_path else scenario


def _parse_mark(mark: pytest.Mark) -> dict[str, Any]:
    """The words of the mark. An unknown one is an error: the test would run in another world without a notice."""
    unknown = sorted(set(mark.kwargs) - set(MARK_WORDS))
    if mark.args or unknown:
        words = ", ".join([*map(repr, mark.args), *unknown])
        known = ", ".join(MARK_WORDS)
        raise pytest.UsageError(f"@pytest.mark.labelbox does not know {words}; it takes {known} by name")
    return dict(mark.kwargs)


def _options_of(node: pytest.Item | pytest.Collector, config: pytest.Config) -> dict[str, Any]:
    """The settings of a workspace for a test, module or session: the options, then the marks, nearest last."""
    settings = {word: _setting(config, f"labelbox_{word}") for word in SETTINGS} | {
        "scenario": _scenario_setting(config)
    }
    options: dict[str, Any] = {word: value for word, value in settings.items() if value is not None}
    if "seed" in options:
        options["seed"] = _parse_seed(options["seed"])
    for place, mark in reversed(list(node.iter_markers_with_node("labelbox"))):
        words = _parse_mark(mark)
        if isinstance(words.get("scenario"), (str, Path)):
            file = Path(place.path)
            words["scenario"] = _resolve_path(str(words["scenario"]), file if file.is_dir() else file.parent)
        options |= words
    return options


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
    url = _setting(pytestconfig, "labelbox_server_url")
    if url is not None:
        return session.connect(url, _setting(pytestconfig, "labelbox_control_token"))
    return session.start(name, parent, _setting(pytestconfig, "labelbox_server_python"))


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
    workspace = server.workspace(**_options_of(request.node, request.config))
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
