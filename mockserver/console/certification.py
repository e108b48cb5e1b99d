"""Receivers are certified on the page: every case of `webhook certify`, one after the other, and its verdict live."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import NamedTuple

import msgspec
from starlette.responses import Response

from mockserver.certification.cases import Case
from mockserver.certification.judge import Result, Verdict
from mockserver.certification.patterns import Diagnosis
from mockserver.certification.report import Grade, Report
from mockserver.certification.runner import CASES, certify, check_names
from mockserver.console.calls import Line
from mockserver.console.headers import HEADERS
from mockserver.console.view import View
from mockserver.conversion import decode
from mockserver.errors import BadInput, Conflict, StartupError
from mockserver.webhooks.targets import Allowed, parse_target
from mockserver.world.records.events import TOPICS

MOST_KEPT = 20
"""Finished certifications that are kept, one for each workspace."""
WORDS = {Verdict.PASSED: "good", Verdict.FAILED: "bad", Verdict.REMARK: "warn"}
"""Verdict -> how its word is coloured."""


class Certify(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The receiver, and the secret with which its messages are signed. `only`: names of cases, by default all."""

    url: str = ""
    secret: str = ""
    topic: str = TOPICS[0]
    only: list[str] = []


class ShownResult(NamedTuple):
    """A result without the messages and answers, which may be megabytes."""

    case: Case
    verdict: Verdict
    summary: str
    remark: str


class Stopped(Exception):
    """The certification is not to go on; the message is the reason."""


class Certification:
    """One certification, while it runs and after it. It runs in a thread of its own, until its workspace is deleted."""

    def __init__(self, body: Certify, allowed: Allowed, is_deleted: Callable[[], bool]) -> None:
        self.url, self.topic = body.url, body.topic
        self.results: list[ShownResult] = []
        self.total = len(set(body.only)) or len(CASES)
        self.grade: Grade | None = None
        self.diagnoses: list[Diagnosis] = []
        self.failure = ""
        self._is_stopping = False
        self._body, self._allowed, self.is_deleted = body, allowed, is_deleted
        self._thread = threading.Thread(target=self._run, name="certification", daemon=True)

    @property
    def is_running(self) -> bool:
        return self._thread.is_alive()

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """Stops it, also while it waits for an answer."""
        self._is_stopping = True

    def check(self) -> None:
        """Raises Stopped if it is not to go on."""
        if self._is_stopping:
            raise Stopped("Stopped")
        if self.is_deleted():
            raise Stopped("The workspace was deleted")

    def _run(self) -> None:
        body = self._body
        try:
            self._finish(
                certify(
                    body.url, secret=body.secret, topic=body.topic, only=body.only, tell=self._add,
                    allowed=self._allowed, check=self.check,
                )
            )  # fmt: skip
        except (Stopped, StartupError) as error:
            self.failure = str(error)

    def _add(self, result: Result) -> None:
        if result.verdict is not Verdict.LEFT_OUT or not self._body.only:
            self.results.append(ShownResult(result.case, result.verdict, result.summary, result.remark))
        self.check()

    def _finish(self, report: Report) -> None:
        self.grade, self.diagnoses = report.grade, report.diagnoses


class Certifications:
    """The newest certification of each workspace; one runs at a time, as each sends as fast as it can. A workspace is
    known by the name in its links, which no later one with the same API key has."""

    def __init__(self) -> None:
        self._by_slug: dict[str, Certification] = {}
        self._lock = threading.Lock()

    def find(self, slug: str) -> Certification | None:
        return self._by_slug.get(slug)

    def start(self, slug: str, certification: Certification) -> None:
        """Raises Conflict while another one runs."""
        with self._lock:
            if any(each.is_running for each in self._by_slug.values()):
                raise Conflict("A certification is running; wait for its end, or stop it")
            others = [(name, each) for name, each in self._by_slug.items() if name != slug and not each.is_deleted()]
            self._by_slug = dict([*others, (slug, certification)][-MOST_KEPT:])
            certification.start()


CERTIFICATIONS = Certifications()
"""Those of this process."""


def show_certification(view: View) -> Response:
    """Shows the form and the newest certification of the workspace, or the latter alone for the script."""
    return view.render(
        "certification_results.html" if view.query.get("part") == "list" else "certification.html",
        certification=CERTIFICATIONS.find(view.workspace.links.workspace), words=WORDS, topics=TOPICS, cases=len(CASES),
        lines=list_calls(),
    )  # fmt: skip


def list_calls() -> list[Line]:
    """Lists the ways to certify a receiver without the page."""
    program = (
        "def test_my_receiver(certify_webhook_receiver):\n"
        '    certify_webhook_receiver("http://127.0.0.1:3001/webhook-endpoint", secret="CHANGE-ME")'
    )
    command = "mockserver webhook certify http://127.0.0.1:3001/webhook-endpoint --secret CHANGE-ME"
    return [("Shell", command), ("pytest", program)]


def start_certification(view: View, body: bytes) -> Response:
    """Starts a certification. Raises BadInput, Conflict."""
    try:
        request = decode(body, Certify)
    except msgspec.MsgspecError as error:
        raise BadInput(f"The body is not as expected: {error}") from None
    check_request(request)
    slug, registry = view.workspace.links.workspace, view.workspaces.registry
    certification = Certification(request, Allowed(view.settings.webhook_allow), lambda: not registry.has_slug(slug))
    CERTIFICATIONS.start(slug, certification)
    return Response(status_code=204, headers=HEADERS)


def check_request(request: Certify) -> None:
    """Raises BadInput for a request with which no certification can begin."""
    if not request.url.strip():
        raise BadInput("url is empty; give the address of your receiver, like http://127.0.0.1:3001/webhook-endpoint")
    if not request.secret:
        raise BadInput("secret is empty; give the one with which your receiver checks signatures")
    if request.topic not in TOPICS:
        raise BadInput(f"topic is {request.topic!r}; expected one of {', '.join(TOPICS)}")
    parse_target(request.url)
    try:
        check_names(request.only, CASES)
    except StartupError as error:
        raise BadInput(str(error)) from None


def stop_certification(view: View, _body: bytes) -> Response:
    """Stops the certification of the workspace."""
    certification = CERTIFICATIONS.find(view.workspace.links.workspace)
    if certification is not None:
        certification.stop()
    return Response(status_code=204, headers=HEADERS)
