"""The site of the documentation: how long `make docs` takes. Peer: the same pages, each parsed by markdown-it alone."""

import subprocess
import time

from benchmarks import report
from benchmarks.environments import REPOSITORY, EnvironmentNotBuilt
from mockserver.console.markdown import render

GOAL = 10


def measure(quick: bool) -> None:
    report.print_title("The documentation as a site")
    took = min(measure_build() for _ in range(1 if quick else 3))
    pages = [path.read_text("utf-8") for path in (REPOSITORY / "docs").rglob("*.md")]
    started = time.perf_counter()
    for text in pages:
        render(text)
    peer = {f"{len(pages)} pages, rendered as a server does": time.perf_counter() - started}
    report.print_figure("make docs", took, "s  ", goal=f"<= {GOAL}", peers=peer)


def measure_build() -> float:
    started = time.perf_counter()
    ended = subprocess.run(["make", "docs"], cwd=REPOSITORY, capture_output=True, text=True, check=False)
    if ended.returncode != 0:
        raise EnvironmentNotBuilt(f"`make docs` failed.\n{ended.stdout}{ended.stderr}")
    return time.perf_counter() - started
