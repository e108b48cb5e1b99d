"""Program: sends webhooks in the simplest way, by requests sessions in threads. Findings: messages a second."""

import hmac
import json
import sys
import threading
import time

import requests


def post(url: str, secret: str, body: bytes, count: int) -> None:
    session = requests.Session()
    for number in range(count):
        digest = hmac.new(secret.encode(), body, "sha1").hexdigest()
        headers = {
            "X-Hub-Signature": f"sha1={digest}",
            "X-Labelbox-Id": f"p{number}",
            "X-Labelbox-Event": "LABEL_CREATED",
        }
        session.post(url, data=body, headers=headers, timeout=30).raise_for_status()


def measure_rate(*, url: str, secret: str, body: str, threads: int, each: int) -> float:
    started = time.perf_counter()
    senders = [threading.Thread(target=post, args=(url, secret, body.encode(), each)) for _ in range(threads)]
    for thread in senders:
        thread.start()
    for thread in senders:
        thread.join()
    return threads * each / (time.perf_counter() - started)


if __name__ == "__main__":
    print(json.dumps(measure_rate(**json.loads(sys.argv[1]))))
