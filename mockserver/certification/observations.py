"""The answers of a certification, and what they say together: which cases were accepted, were refused, and crashed."""

from __future__ import annotations

from collections.abc import Sequence

from mockserver.certification.cases import Group
from mockserver.certification.judge import Result, Verdict

NO_RECEIVER = {301, 302, 303, 307, 308, 404, 405, None}
"""Statuses of the correct message that no receiver has answered with; None if there was no answer."""


class Observations:
    """The answers of a run, by the names of cases. A case that was left out is neither accepted nor refused."""

    def __init__(self, results: Sequence[Result]) -> None:
        self.results = [result for result in results if result.verdict is not Verdict.LEFT_OUT]
        self._by_name = {result.case.name: result for result in self.results}

    def are_accepted(self, *names: str) -> bool:
        return all(name in self._by_name and self._by_name[name].accepted for name in names)

    def are_refused(self, *names: str) -> bool:
        return all(name in self._by_name and self._by_name[name].refused for name in names)

    def have_crashed(self, *names: str) -> bool:
        return all(name in self._by_name and self._by_name[name].crashed for name in names)

    def are_not_accepted(self, *names: str) -> bool:
        return all(name in self._by_name and not self._by_name[name].accepted for name in names)

    def statuses(self, *names: str) -> set[int | None]:
        return {answer.status for name in names if name in self._by_name for answer in self._by_name[name].answers}

    def words(self, name: str) -> str:
        """The body of the first answer."""
        result = self._by_name.get(name)
        return result.answers[0].body.decode("utf-8", "replace") if result and result.answers else ""

    def group(self, group: Group) -> list[Result]:
        return [result for result in self.results if result.case.group is group and result.answers]

    @property
    def verifies_nothing(self) -> bool:
        return self.are_accepted("tampered", "other-secret", "no-signature")

    @property
    def wrong_address(self) -> bool:
        """Whether no receiver handled the correct message: a wrong path, a wrong method, a redirect."""
        statuses = self.statuses("good")
        return bool(statuses) and all(status in NO_RECEIVER for status in statuses)
