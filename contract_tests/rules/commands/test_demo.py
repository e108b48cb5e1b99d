"""`mockserver demo`: a server, a receiver and a few events."""

import signal
import subprocess
import sys

import requests

from mockserver.commands.demo import EVENTS

COMMAND = [sys.executable, "-m", "mockserver", "demo", "--no-browser"]


def test_the_events_reach_the_receiver_genuine_and_the_page_is_served_until_it_is_stopped() -> None:
    with subprocess.Popen(COMMAND, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        lines: list[str] = []
        while not all(any(event in line for line in lines) for event in EVENTS):
            lines.append(process.stdout.readline())
            assert lines[-1], "".join(lines)
        verdicts = [line for line in lines if "X-Hub-Signature-256" in line]
        assert verdicts
        assert all("right" in line for line in verdicts)
        [page] = [line.split()[1] for line in lines if line.startswith("Page")]
        assert requests.get(page, timeout=30).ok
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=60)
    assert process.returncode == 0


def test_an_unknown_scenario_ends_in_one_line() -> None:
    ended = subprocess.run([*COMMAND, "--scenario", "defualt"], capture_output=True, text=True, check=False)
    assert (ended.returncode, "default" in ended.stderr) == (2, True)
    assert "Traceback" not in ended.stderr
