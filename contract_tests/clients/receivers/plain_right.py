"""On http.server alone."""

import hmac
import json
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

SECRET = sys.argv[1].encode()


class Receiver(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.send_response(self.judge(body))
        self.end_headers()

    def judge(self, body: bytes) -> int:
        expected = f"sha1={hmac.new(SECRET, body, 'sha1').hexdigest()}"
        if not hmac.compare_digest(expected.encode(), self.headers.get("X-Hub-Signature", "").encode()):
            return 403
        try:
            json.loads(body)
        except ValueError:
            return 400
        return 200


class Server(ThreadingHTTPServer):
    request_queue_size = 128


server = Server(("127.0.0.1", 0), Receiver)
print(server.server_port, flush=True)
server.serve_forever()
