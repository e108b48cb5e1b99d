"""The cases about the client's process."""

from __future__ import annotations

from mockserver.certification.cases import Level
from mockserver.contract.cases import Case, Profile
from mockserver.contract.trial import Trial


def _end_alone(trial: Trial) -> None:
    """When its stdin is closed the process ends, and no process that it started remains."""
    trial.check_export({"project": "image"})
    trial.close()
    if not trial.client.stop():
        trial.find("children-left", "it did not end when its stdin was closed, or a process that it started remained")


PROCESSES = (
    Case(
        "ends-alone", Profile.PROCESS, "the end of the process", _end_alone,
        "Threads that wait for ever and processes left behind keep a job of CI from ending.",
        level=Level.SHOULD, alone=True,
    ),
)  # fmt: skip
