"""Receivers are certified on the page: every case of `webhook certify`, one after the other, and its verdict live."""

from __future__ import annotations

import threading
from typing import NamedTuple

import msgspec
from starlette.responses import Response

from mockserver.certification.cases import Case
from mockserver.certification.judge import Result, Verdict
from mockserver.certification.patterns import Diagnosis
from mockserver.certification.report import Grade, Report
from mockserver.certification.runner import CASES, certify
from mockserver.console.calls import Line
from mockserver.console.headers import HEADERS
from mockserver.console.view import View
from mockserver.conversion import decode
from mockserver.errors import BadInput, Conflict, StartupError
from mockserver.webhooks.targets import Allowed
from mockserver.world.events import TOPICS

MOST_KEPT = 20
"""Finished certifications that are kept, one for each workspace."""
WORDS = {Verdict.PASSED: "good", Verdict.FAILED: "bad", Verdict.REMARK: "warn"}
"""Verdict -> how its word is coloured."""


class Certify(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The receiver, and the secret with which its messages are signed. `only`: names of cases, by default all."""

    url: str
    secret: str
    topic: str = TOPICS[0]
    only: list[str] = []


class ShownResult(NamedTuple):
    """A result without the messages and answers, which may be megabytes."""

    case: Case
    verdict: Verdict
    summary: str
    remark: str


class Stopped(Exception):
    """A user has stopped the certification."""


class Certification:
    """One certification, while it runs and after it. It runs in a thread of its own."""

    def __init__(self, body: Certify, allowed: Allowed) -> None:
        self.url, self.topic = body.url, body.topic
        self.results: list[ShownResult] = []
        self.total = len(body.only) or len(CASES)
        self.grade: Grade | None = None
        self.diagnoses: list[Diagnosis] = []
        self.failure = ""
        self._is_stopping = False
        self._body, self._allowed = body, allowed
        self._thread = threading.Thread(target=self._run, name="certification", daemon=True)

    @property
    def is_running(self) -> bool:
        return self._thread.is_alive()

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """Stops it after the case that is being sent."""
        self._is_stopping = True

    def _run(self) -> None:
        body = self._body
        try:
            self._finish(
                certify(
                    body.url, secret=body.secret, topic=body.topic, only=body.only, tell=self._add,
                    allowed=self._allowed,
                )
            )  # fmt: skip
        except Stopped:
            self.failure = "Stopped"
        except StartupError as error:
            self.failure = str(error)

    def _add(self, result: Result) -> None:
        if result.verdict is not Verdict.LEFT_OUT or not self._body.only:
            self.results.append(ShownResult(result.case, result.verdict, result.summary, result.remark))
        if self._is_stopping:
            raise Stopped

    def _finish(self, report: Report) -> None:
        self.grade, self.diagnoses = report.grade, report.diagnoses


class Certifications:
    """The newest certification of each workspace; one runs at a time, as each sends as fast as it can."""

    def __init__(self) -> None:
        self._by_key: dict[str, Certification] = {}
        self._lock = threading.Lock()

    def find(self, api_key: str) -> Certification | None:
        return self._by_key.get(api_key)

    def start(self, api_key: str, certification: Certification) -> None:
        """Raises Conflict while another one runs."""
        with self._lock:
            if any(each.is_running for each in self._by_key.values()):
                raise Conflict("A certification is running; wait for its end, or stop it")
            self._by_key.pop(api_key, None)
            self._by_key[api_key] = certification
            while len(self._by_key) > MOST_KEPT:
                del self._by_key[next(iter(self._by_key))]
            certification.start()


CERTIFICATIONS = Certifications()
"""Those of this process."""


def show_certification(view: View) -> Response:
    """Shows the form and the newest certification of the workspace, or the latter alone for the script."""
    return view.render(
        "certification_results.html" if view.query.get("part") == "list" else "certification.html",
        certification=CERTIFICATIONS.find(view.workspace.api_key), words=WORDS, topics=TOPICS, cases=len(CASES),
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
    if request.topic not in TOPICS:
        raise BadInput(f"topic is {request.topic!r}; expected one of {', '.join(TOPICS)}")
    certification = Certification(request, Allowed(view.settings.webhook_allow))
    CERTIFICATIONS.start(view.workspace.api_key, certification)
    return Response(status_code=204, headers=HEADERS)


def stop_certification(view: View, _body: bytes) -> Response:
    """Stops the certification of the workspace."""
    certification = CERTIFICATIONS.find(view.workspace.api_key)
    if certification is not None:
        certification.stop()
    return Response(status_code=204, headers=HEADERS)
