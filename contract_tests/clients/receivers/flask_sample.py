"""The documentation's sample, its slips included: it returns ("Error", 500, 200) for a wrong signature."""

import hashlib
import hmac
import json
import sys
from typing import Any

from flask import Flask, request
from werkzeug.serving import make_server

SECRET = sys.argv[1].encode()
app = Flask(__name__)


@app.post("/webhook-endpoint")
def receive() -> Any:
    payload = request.data
    computed = hmac.new(SECRET, payload, hashlib.sha1).hexdigest()
    if request.headers["X-Hub-Signature"] != "sha1=" + computed:
        return "Error", 500, 200
    json.loads(payload.decode("utf8"))
    return "Success"


server = make_server("127.0.0.1", 0, app, threaded=True)
print(server.port, flush=True)
server.serve_forever()
