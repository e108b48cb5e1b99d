"""Program for the Python of an SDK's environment: exports a project, and adds up how long the SDK waited for answers.

It needs only the SDK. Findings: seconds in HTTP calls, their number, seconds asleep, seconds in total, seconds of
processor time, and the seconds of as many calls that the server answers without work.
"""

import json
import sys
import time
from typing import Any

import requests
from labelbox import Client

WAITED: list[float] = []
SLEPT: list[float] = []


def export(
    *, url: str, graphql_url: str, rest_url: str, api_key: str, project: str, params: dict[str, bool], rounds: int
) -> list[dict[str, Any]]:
    client = Client(api_key=api_key, endpoint=graphql_url, rest_endpoint=rest_url)
    watch()
    return [export_once(client, url, project, params) for _ in range(rounds)]


def watch() -> None:
    """Measures every call of requests and every sleep from now on."""
    send, sleep = requests.Session.send, time.sleep

    def send_and_measure(session: Any, request: Any, **options: Any) -> Any:
        started = time.perf_counter()
        try:
            return send(session, request, **options)
        finally:
            WAITED.append(time.perf_counter() - started)

    def sleep_and_measure(seconds: float) -> None:
        SLEPT.append(seconds)
        sleep(seconds)

    requests.Session.send = send_and_measure  # type: ignore[method-assign, assignment]  # measured from inside
    time.sleep = sleep_and_measure  # type: ignore[assignment]  # measured from inside


def export_once(client: Any, url: str, project: str, params: dict[str, bool]) -> dict[str, Any]:
    WAITED.clear()
    SLEPT.clear()
    started, busy = time.perf_counter(), time.process_time()
    task = client.get_project(project).export(params=params)
    task.wait_till_done()
    rows = sum(1 for _ in task.get_buffered_stream())
    seconds, busy = time.perf_counter() - started, time.process_time() - busy
    findings = {"waited": sum(WAITED), "calls": len(WAITED), "slept": sum(SLEPT), "seconds": seconds, "rows": rows}
    findings["busy"] = busy
    return {**findings, "floor": time_empty_calls(url, len(WAITED))}


def time_empty_calls(url: str, calls: int) -> float:
    """Seconds of as many calls to a route that does nothing, in one session, as the SDK has one."""
    WAITED.clear()
    with requests.Session() as session:
        for _ in range(calls):
            session.get(f"{url}/_mock/health")
    return sum(WAITED)


if __name__ == "__main__":
    print(json.dumps(export(**json.loads(sys.argv[1]))))
