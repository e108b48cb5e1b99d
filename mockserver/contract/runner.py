"""Runs the cases: a workspace for each, and clients side by side."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Sequence
from concurrent.futures import ThreadPoolExecutor
from queue import Empty, SimpleQueue

from mockserver.contract.cases import Case, Profile
from mockserver.contract.driver import OPERATIONS
from mockserver.contract.failures import ASYNC, ERRORS
from mockserver.contract.large import LARGE_RESULTS
from mockserver.contract.legacy import FRAMES, LABELS
from mockserver.contract.process import ClientError, Misconduct, TestedClient
from mockserver.contract.processes import PROCESSES
from mockserver.contract.results import Report, Result, conclude
from mockserver.contract.retries import RETRY
from mockserver.contract.rows import DRIFT, OF_MEDIA, ROWS, TEXTS
from mockserver.contract.sync import SYNC
from mockserver.contract.trial import Trial
from mockserver.errors import StartupError, nearest, quote
from mockserver.generate.fixtures import find_fixtures
from mockserver.testing.server import MockServer
from mockserver.testing.workspace import MockWorkspace

CASES: tuple[Case, ...] = (
    *ROWS,
    *OF_MEDIA,
    *TEXTS,
    *ERRORS,
    *ASYNC,
    *RETRY,
    *DRIFT,
    *SYNC,
    *LABELS,
    *FRAMES,
    *PROCESSES,
    *LARGE_RESULTS,
)
JOBS = 4
"""Cases at the same time. Clients wait more than they compute."""


def choose_cases(
    profiles: Collection[str] = (), names: Collection[str] = (), leave_out: Collection[str] = ()
) -> list[Case]:
    """The cases of these profiles, or with these names; without both, all but the large ones.

    Raises StartupError for unknown words.
    """
    _check_words("profile", profiles, [str(profile) for profile in Profile])
    check_case_names([*names, *leave_out])
    chosen = profiles if profiles or names else set(Profile) - {Profile.LARGE}
    return [case for case in CASES if case.name not in leave_out and (case.profile in chosen or case.name in names)]


def check_case_names(names: Collection[str]) -> None:
    """Raises StartupError for a name that no case has."""
    _check_words("case", names, [case.name for case in CASES])


def _check_words(what: str, words: Collection[str], known: Sequence[str]) -> None:
    for word in words:
        if word not in known:
            raise StartupError(f"unknown {what} {word!r}; the nearest known are {quote(nearest(word, known))}")


class Runner:
    """Runs cases of one client on one server. `start` starts a client. `keep`: workspaces are not deleted."""

    def __init__(self, server: MockServer, start: Callable[[], TestedClient], *, keep: bool = False) -> None:
        self._server, self._start, self._keep = server, start, keep
        self._idle: SimpleQueue[TestedClient] = SimpleQueue()

    def run(
        self, cases: Sequence[Case], *, name: str, jobs: int = JOBS, tell: Callable[[Result], None] = lambda _: None
    ) -> Report:
        """Runs them side by side; results are in the order of the cases. Raises StartupError."""
        started = time.monotonic()

        def run_one(case: Case) -> Result:
            result = self.run_case(case)
            tell(result)
            return result

        try:
            with ThreadPoolExecutor(jobs) as pool:
                futures = {case.name: pool.submit(run_one, case) for case in sorted(cases, key=_get_rank)}
                results = [futures[case.name].result() for case in cases]
        finally:
            self.close()
        return Report(client=name, seconds=time.monotonic() - started, results=results)

    def run_case(self, case: Case) -> Result:
        """Runs one case in a new workspace."""
        workspace = self._create_workspace(case)
        started = time.monotonic()
        try:
            client = self._start() if case.alone else self._take()
            trial = Trial(workspace, client, level=case.level, mistake=case.mistake)
            self._try(case, trial)
            trial.judge_requests()
        finally:
            if not self._keep:
                workspace.delete()
        return conclude(case, trial, seconds=time.monotonic() - started)

    def probe(self) -> list[str]:
        """Starts a client and returns the operations that it offers. Raises StartupError if that fails."""
        own = self._server.own
        try:
            client = self._start()
            try:
                offers = client.open(graphql_url=own.graphql_url, rest_url=own.rest_url, api_key=own.api_key)
                client.close()
            except (Misconduct, ClientError):
                client.kill()
                raise
        except (Misconduct, ClientError) as error:
            raise StartupError(f"the client cannot be opened: {error}") from None
        self._idle.put(client)
        if not offers:
            raise StartupError(f"the client offers nothing; expected some of {', '.join(OPERATIONS)}")
        return offers

    def close(self) -> None:
        """Ends all idle clients."""
        while not self._idle.empty():
            self._idle.get().stop()

    def _create_workspace(self, case: Case) -> MockWorkspace:
        world = case.world
        workspace = self._server.workspace(scenario=find_scenario(world.scenario))
        if world.frozen:
            workspace.clock.freeze()
        if world.switches:
            workspace.switches.set(**world.switches)
        workspace.progression.set(exports=world.exports)
        return workspace

    def _take(self) -> TestedClient:
        """An idle client, or a new one. Raises Misconduct."""
        try:
            return self._idle.get_nowait()
        except Empty:
            return self._start()

    def _try(self, case: Case, trial: Trial) -> None:
        """Runs the check, and keeps the client for further cases if it kept the protocol."""
        client = trial.client
        try:
            try:
                trial.open()
                if case.operation in trial.offers:
                    case.check(trial)
                else:
                    trial.not_offered = f"it has no {case.operation}"
            except ClientError as error:
                trial.report(error)
            if not client.stopped:
                trial.close()
        except Misconduct as error:
            trial.find(error.mistake, str(error))
            client.kill()
        if not client.stopped:
            self._idle.put(client)


def _get_rank(case: Case) -> tuple[bool, bool]:
    """The place of a case in the order of the run. Cases that start a process, or wait, begin first, so that the run
    does not wait for one of them at its end."""
    return not case.alone, case.world.exports == "at_once" and case.profile is not Profile.ASYNC


def find_scenario(name: str) -> str:
    """The kit's own scenario of that name, or else a built-in one."""
    own = find_fixtures() / "contract" / f"{name}.toml"
    return str(own) if own.is_file() else name
