"""The documentation's sample, put right."""

import hmac
import json
import sys

from flask import Flask, request
from werkzeug.serving import make_server

SECRET = sys.argv[1].encode()
app = Flask(__name__)


@app.post("/webhook-endpoint")
def receive() -> tuple[str, int]:
    body = request.get_data()
    expected = f"sha1={hmac.new(SECRET, body, 'sha1').hexdigest()}"
    if not hmac.compare_digest(expected.encode(), request.headers.get("X-Hub-Signature", "").encode()):
        return "wrong signature", 403
    try:
        json.loads(body)
    except ValueError:
        return "no JSON", 400
    return "", 204


server = make_server("127.0.0.1", 0, app, threaded=True)
print(server.port, flush=True)
server.serve_forever()
