"""Jobs whose record may have been committed although the database did not say so."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

import pytest

from mockserver.errors import ResourceFailed
from mockserver.exports.jobs import Jobs, Kind
from mockserver.world.clock import Clock

WITHIN = 60.0


@dataclass
class OneJob:
    id: str = "job"

    def interrupt(self) -> None:
        """Ends nothing."""

    def close(self) -> None:
        """Closes nothing."""


@dataclass
class Recorded:
    """Results that were discarded, and failures that were recorded."""

    may_be_committed: bool
    discarded: list[str] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)

    def run(self, _job: OneJob) -> None:
        raise build_failure(may_be_committed=self.may_be_committed)

    def create_jobs(self, threads: ThreadPoolExecutor) -> Jobs[OneJob]:
        kind = Kind(
            noun="export", place=None, run=self.run, discard=lambda job: self.discarded.append(job.id),
            record_failure=lambda job_id, _reason: self.failed.append(job_id), delete_expired=lambda _now: None,
            most_running=1,
        )  # fmt: skip
        return Jobs(kind, threads, Clock())


def build_failure(*, may_be_committed: bool) -> ResourceFailed:
    failure = ResourceFailed("the connection was lost")
    failure.may_be_committed = may_be_committed
    return failure


@pytest.mark.parametrize("may_be_committed", [True, False])
def test_results_stay_if_the_record_may_say_that_they_are_complete(may_be_committed: bool) -> None:
    recorded = Recorded(may_be_committed)
    with ThreadPoolExecutor(1) as threads:
        recorded.create_jobs(threads).start(OneJob()).result(WITHIN)
    assert recorded.failed == ["job"]
    assert recorded.discarded == ([] if may_be_committed else ["job"])


@pytest.mark.parametrize("may_be_committed", [True, False])
def test_a_job_that_may_have_been_created_fails_as_nobody_runs_it(may_be_committed: bool) -> None:
    recorded = Recorded(may_be_committed)
    with ThreadPoolExecutor(1) as threads:
        jobs = recorded.create_jobs(threads)
        with pytest.raises(ResourceFailed):
            create_job(jobs, build_failure(may_be_committed=may_be_committed))
    assert recorded.failed == (["job"] if may_be_committed else [])


def create_job(jobs: Jobs[OneJob], failure: ResourceFailed) -> None:
    """Creates the record of a job in a change that ends with a failure."""
    with jobs.fail_unconfirmed() as created:
        created.append("job")
        raise failure
