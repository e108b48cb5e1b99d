"""Program, on the Python of an SDK's environment: export a project, and add up how long the SDK waited for answers.

Needs nothing but the SDK. Its findings: seconds in HTTP calls, their number, seconds asleep, seconds in all, those that
the processor was busy, and the seconds that as many calls take which the server answers without any work.
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
    return [one_export(client, url, project, params) for _ in range(rounds)]


def watch() -> None:
    """Every call of requests and every sleep is timed from here on."""
    send, sleep = requests.Session.send, time.sleep

    def timed_send(session: Any, request: Any, **options: Any) -> Any:
        started = time.perf_counter()
        try:
            return send(session, request, **options)
        finally:
            WAITED.append(time.perf_counter() - started)

    def timed_sleep(seconds: float) -> None:
        SLEPT.append(seconds)
        sleep(seconds)

    requests.Session.send = timed_send  # type: ignore[method-assign, assignment]  # measured from inside
    time.sleep = timed_sleep  # type: ignore[assignment]  # measured from inside


def one_export(client: Any, url: str, project: str, params: dict[str, bool]) -> dict[str, Any]:
    WAITED.clear()
    SLEPT.clear()
    started, busy = time.perf_counter(), time.process_time()
    task = client.get_project(project).export(params=params)
    task.wait_till_done()
    rows = sum(1 for _ in task.get_buffered_stream())
    seconds, busy = time.perf_counter() - started, time.process_time() - busy
    found = {"waited": sum(WAITED), "calls": len(WAITED), "slept": sum(SLEPT), "seconds": seconds, "rows": rows}
    found["busy"] = busy
    return {**found, "floor": empty_calls(url, len(WAITED))}


def empty_calls(url: str, calls: int) -> float:
    """Seconds of as many calls to a route that does nothing, on one session as the SDK keeps one."""
    WAITED.clear()
    with requests.Session() as session:
        for _ in range(calls):
            session.get(f"{url}/_mock/health")
    return sum(WAITED)


if __name__ == "__main__":
    print(json.dumps(export(**json.loads(sys.argv[1]))))
