"""Program: what one would write first: requests sessions in threads, each signing and posting. Finds: per second."""

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


def rate(*, url: str, secret: str, body: str, threads: int, each: int) -> float:
    started = time.perf_counter()
    running = [threading.Thread(target=post, args=(url, secret, body.encode(), each)) for _ in range(threads)]
    for thread in running:
        thread.start()
    for thread in running:
        thread.join()
    return threads * each / (time.perf_counter() - started)


if __name__ == "__main__":
    print(json.dumps(rate(**json.loads(sys.argv[1]))))
