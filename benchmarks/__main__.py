"""`python -m benchmarks [SUBJECT] [--quick]`: one subject or all."""

import argparse
import os
import sys
import time
from collections.abc import Callable

from benchmarks import (
    costly,
    crowd,
    documentation,
    export,
    first_hour,
    generation,
    graphql,
    harness,
    journal,
    latency,
    legacy,
    million,
    page,
    postgres,
    report,
    sdk,
    soak,
    startup,
    webhooks,
    writing,
)
from benchmarks.environments import BENCH_CACHE, EnvironmentNotBuilt

SUBJECTS: dict[str, Callable[[bool], None]] = {
    "startup": startup.measure,
    "graphql": graphql.measure,
    "generation": generation.measure,
    "export": export.measure,
    "legacy": legacy.measure,
    "latency": latency.measure,
    "costly": costly.measure,
    "crowd": crowd.measure,
    "sdk": sdk.measure,
    "harness": harness.measure,
    "journal": journal.measure,
    "webhooks": webhooks.measure,
    "writing": writing.measure,
    "first-hour": first_hour.measure,
    "docs": documentation.measure,
}
ON_REQUEST: dict[str, Callable[[bool], None]] = {
    "million": million.measure,
    "page": page.measure,
    "postgres": postgres.measure,
    "soak": soak.measure,
}
"""Subjects that take too long to run unless they are named."""


def main() -> None:
    arguments = parse_arguments()
    # Prepared worlds are kept between runs: building 100,000 rows takes longer than measuring them.
    os.environ.setdefault("LABELBOX_MOCKSERVER_CACHE", str(BENCH_CACHE))
    started = time.monotonic()
    for name in [arguments.subject] if arguments.subject else SUBJECTS:
        report.calibrate()
        (SUBJECTS | ON_REQUEST)[name](arguments.quick)
    print(f"\n{time.monotonic() - started:.0f} s in total")


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="benchmarks", description=__doc__)
    parser.add_argument(
        "subject",
        nargs="?",
        choices=SUBJECTS | ON_REQUEST,
        help="one subject; default: all, one after another, except million, page, postgres and soak",
    )
    parser.add_argument("--quick", action="store_true", help="small and short: whether it runs, not how fast")
    return parser.parse_args()


if __name__ == "__main__":
    try:
        main()
    except EnvironmentNotBuilt as failure:
        sys.exit(str(failure))
