"""The pytest plugin: `labelbox_server` for the session, `labelbox_mock` for each test, and a certification.

Nothing starts before a test asks for it. All xdist workers share one server, which ends with the session, also when
that is killed. Loaded in every pytest session of the environment, so it imports nothing but pytest at first.
"""

from __future__ import annotations

import os
import uuid
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from mockserver.certification import Report
    from mockserver.testing.server import MockServer
    from mockserver.testing.workspace import MockWorkspace

MARK_WORDS = ("scenario", "seed", "ends", "payload_date", "progression")
SETTINGS = ("scenario", "seed", "ends", "payload_date")
"""Words of the mark that are also options."""
_OPTIONS = {
    "labelbox_scenario": "scenario of every workspace, a name or a TOML file (default: default)",
    "labelbox_seed": "seed of every workspace (default: 0)",
    "labelbox_ends": "when the generated history ends (default: as the scenario says)",
    "labelbox_payload_date": "write exports as the service wrote them then (default: as the scenario says)",
    "labelbox_server_url": "use a server that runs already, as in a container, instead of starting one",
    "labelbox_control_token": "control token of the server at labelbox_server_url",
    "labelbox_server_python": "interpreter of an environment that has mockserver (default: this one)",
}


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("labelbox", "the mock Labelbox server")
    for name, text in _OPTIONS.items():
        group.addoption(f"--{name.replace('_', '-')}", dest=name, default=None, help=text)
        parser.addini(name, help=text, default=None)


def pytest_configure(config: pytest.Config) -> None:
    words = "=…, ".join(MARK_WORDS)
    config.addinivalue_line("markers", f"labelbox({words}=…): the workspace this test gets from labelbox_mock")


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    """xdist: tell each worker where the one server of this session is to be found."""
    node.workerinput["mockserver_session"] = _session_of(node.config)


def _session_of(config: pytest.Config) -> tuple[str, int]:
    """(a name for this session, the process with which the server ends)."""
    given = getattr(config, "workerinput", {}).get("mockserver_session")
    if given is not None:
        return str(given[0]), int(given[1])
    if not hasattr(config, "_mockserver_session"):
        config._mockserver_session = (uuid.uuid4().hex, os.getpid())  # type: ignore[attr-defined]
    session: tuple[str, int] = config._mockserver_session  # type: ignore[attr-defined]
    return session


def pytest_unconfigure(config: pytest.Config) -> None:
    """The session's own process stops the server; workers only leave it."""
    if hasattr(config, "_mockserver_session"):
        from mockserver.testing import shared

        shared.stop(_session_of(config)[0])


def _setting(config: pytest.Config, name: str) -> str | None:
    value = config.getoption(name)
    return str(value) if value is not None else config.getini(name) or None


@pytest.fixture(scope="session")
def labelbox_server(pytestconfig: pytest.Config) -> MockServer:
    """The server of this session. A server that cannot start fails the test that asks for it."""
    from mockserver.testing import shared

    session, parent = _session_of(pytestconfig)
    url = _setting(pytestconfig, "labelbox_server_url")
    if url is not None:
        return shared.attached(url, _setting(pytestconfig, "labelbox_control_token"))
    return shared.started(session, parent, _setting(pytestconfig, "labelbox_server_python"))


@pytest.fixture
def labelbox_mock(
    request: pytest.FixtureRequest, pytestconfig: pytest.Config, labelbox_server: MockServer
) -> Iterator[MockWorkspace]:
    """A fresh workspace, removed after the test. `@pytest.mark.labelbox(…)` says what is in it."""
    wanted = {word: _setting(pytestconfig, f"labelbox_{word}") for word in SETTINGS}
    options: dict[str, Any] = {word: value for word, value in wanted.items() if value is not None}
    for mark in reversed(list(request.node.iter_markers("labelbox"))):
        options |= _marked(mark)
    if "seed" in options:
        options["seed"] = int(options["seed"])
    workspace = labelbox_server.workspace(**options)
    yield workspace
    workspace.delete()


@pytest.fixture(scope="session")
def certify_webhook_receiver() -> Callable[..., Report]:
    """`certify_webhook_receiver(url, secret=…)`: fails the test with the report, or returns it.

    With `strict=True` remarks fail it too; further options are those of `mockserver.certification.certify`.
    """
    from mockserver.certification import as_text, certify

    def certified(url: str, *, secret: str, strict: bool = False, **options: Any) -> Report:
        report = certify(url, secret=secret, **options)
        if not (report.flawless if strict else report.passed):
            pytest.fail(as_text(report), pytrace=False)
        return report

    return certified


def _marked(mark: pytest.Mark) -> dict[str, Any]:
    """The mark's words. One it does not know is an error, not a test that quietly runs in another world."""
    unknown = sorted(set(mark.kwargs) - set(MARK_WORDS))
    if mark.args or unknown:
        came = ", ".join([*map(repr, mark.args), *unknown])
        raise pytest.UsageError(f"@pytest.mark.labelbox does not know {came}; it takes {', '.join(MARK_WORDS)} by name")
    return dict(mark.kwargs)
