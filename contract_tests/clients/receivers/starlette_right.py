"""On Starlette, as FastAPI's users write it too, by the newer signature."""

import hmac
import socket
import sys

import orjson
import uvicorn
from starlette.applications import Starlette
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route

SECRET = sys.argv[1].encode()


async def receive(request: Request) -> Response:
    try:
        body = await request.body()
    except ClientDisconnect:
        return Response(status_code=400)
    expected = f"sha256={hmac.new(SECRET, body, 'sha256').hexdigest()}"
    if not hmac.compare_digest(expected.encode(), request.headers.get("X-Hub-Signature-256", "").encode()):
        return Response(status_code=401)
    try:
        orjson.loads(body)
    except orjson.JSONDecodeError:
        return Response(status_code=400)
    return Response(status_code=202)


app = Starlette(routes=[Route("/webhook-endpoint", receive, methods=["POST"])])
bound = socket.socket()
bound.bind(("127.0.0.1", 0))
bound.listen()
print(bound.getsockname()[1], flush=True)
uvicorn.Server(uvicorn.Config(app, log_level="error")).run(sockets=[bound])
