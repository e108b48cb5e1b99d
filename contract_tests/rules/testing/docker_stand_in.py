"""A stand-in for Docker: as much of its API as Testcontainers calls, with processes in the place of containers.

It knows one image, whose entry point is `mockserver`. A container is a process of this checkout with the command and
the environment that it was created with, on a free port; so the unmodified `docker` and `testcontainers` packages are
tried without a daemon. Not imitated: images, networks, read-only roots.
"""

import json
import os
import re
import secrets
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import TracebackType
from typing import Any, Self

IMAGE = "labelbox-mockserver"
DEFAULT_COMMAND = ["serve", "--host", "0.0.0.0"]
"""As in the Dockerfile."""


@dataclass
class Container:
    id: str
    created_with: dict[str, Any]
    port: int
    output: Path
    process: subprocess.Popen[bytes] | None = None
    looks: int = 0
    """How often the container has been inspected since it was started."""

    def start(self) -> None:
        variables = dict(line.partition("=")[::2] for line in self.created_with.get("Env") or [])
        settings = {name: value for name, value in os.environ.items() if not name.startswith("LABELBOX_MOCKSERVER_")}
        settings |= variables | {"LABELBOX_MOCKSERVER_PORT": str(self.port)}
        for mount in self.created_with["HostConfig"].get("Binds") or []:  # files are where they are on this machine
            outside, inside, _ = mount.split(":")
            settings = {name: outside if value == inside else value for name, value in settings.items()}
        command = [sys.executable, "-m", "mockserver", *(self.created_with.get("Cmd") or DEFAULT_COMMAND)]
        with self.output.open("wb") as output:
            self.process = subprocess.Popen(command, env=settings, stdout=output, stderr=subprocess.STDOUT)

    def remove(self) -> None:
        if self.process is not None:
            self.process.send_signal(signal.SIGTERM)
            self.process.wait(60)
        self.output.unlink(missing_ok=True)

    def end_at_look(self, look: int) -> None:
        """Ends the process between two looks: the looks before this one say that it runs."""
        if self.process is None:
            return
        self.looks += 1
        if self.looks >= look:
            self.process.terminate()
            self.process.wait(60)

    def inspect(self) -> dict[str, Any]:
        running = self.process is not None and self.process.poll() is None
        state = {"Running": running, "Status": "running" if running else "exited", "ExitCode": 0}
        ports = {"8000/tcp": [{"HostIp": "0.0.0.0", "HostPort": str(self.port)}]}
        return {
            "Id": self.id, "Name": f"/{self.id[:8]}", "Image": IMAGE, "State": state, "Config": self.created_with,
            "HostConfig": {"NetworkMode": "default"}, "NetworkSettings": {"Ports": ports, "Networks": {}},
        }  # fmt: skip


@dataclass
class DockerStandIn:
    """A daemon on a free port of this machine; a context manager. `removed` holds what was once there."""

    containers: dict[str, Container] = field(default_factory=dict)
    removed: list[Container] = field(default_factory=list)
    ends_at_look: int | None = None
    """The look at a started container from which on it has ended; counted from 1."""

    @property
    def environment(self) -> dict[str, str]:
        """The variables that lead `docker` and `testcontainers` here. The reaper would be an image of its own."""
        return {
            "DOCKER_HOST": f"tcp://127.0.0.1:{self._server.server_address[1]}",
            "TESTCONTAINERS_RYUK_DISABLED": "true",
            "TESTCONTAINERS_CONNECTION_MODE": "docker_host",  # tests may run in a container themselves
        }

    def __enter__(self) -> Self:
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), type("Bound", (Handler,), {"daemon": self}))
        self._thread = threading.Thread(target=self._server.serve_forever)
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        for container in self.containers.values():
            container.remove()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def create(self, body: dict[str, Any]) -> Container:
        with socket.create_server(("127.0.0.1", 0)) as taken:
            port = taken.getsockname()[1]
        handle, name = tempfile.mkstemp(prefix="container-")
        os.close(handle)
        container = Container(secrets.token_hex(32), body, port, Path(name))
        self.containers[container.id] = container
        return container


class Handler(BaseHTTPRequestHandler):
    daemon: DockerStandIn
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        path = self._read_path()
        if path in {"/_ping", "/version"}:
            self._send(200, {"ApiVersion": "1.44", "Version": "27.0", "Components": []})
        elif re.fullmatch(r"/images/.+/json", path):
            known = path == f"/images/{IMAGE}/json"
            self._send(*((200, {"Id": IMAGE, "RepoTags": [IMAGE]}) if known else (404, {"message": "No such image"})))
        elif match := re.fullmatch(r"/containers/(\w+)/json", path):
            container = self.daemon.containers[match[1]]
            if self.daemon.ends_at_look is not None:
                container.end_at_look(self.daemon.ends_at_look)
            self._send(200, container.inspect())
        elif match := re.fullmatch(r"/containers/(\w+)/logs", path):
            lines = self.daemon.containers[match[1]].output.read_bytes()
            self._send_bytes(struct.pack(">BxxxL", 1, len(lines)) + lines)
        else:
            self._send(404, {"message": f"the stand-in has no GET {path}"})

    def do_POST(self) -> None:
        path = self._read_path()
        body = json.loads(self.rfile.read(int(self.headers.get("Content-Length") or 0)) or "{}")
        if path == "/containers/create":
            self._send(201, {"Id": self.daemon.create(body).id, "Warnings": []})
        elif match := re.fullmatch(r"/containers/(\w+)/start", path):
            self.daemon.containers[match[1]].start()
            self._send(204, None)
        else:
            self._send(404, {"message": f"the stand-in has no POST {path}"})

    def do_DELETE(self) -> None:
        container = self.daemon.containers.pop(self._read_path().rpartition("/")[2])
        container.remove()
        self.daemon.removed.append(container)
        self._send(204, None)

    def _read_path(self) -> str:
        return re.sub(r"^/v[\d.]+", "", self.path.partition("?")[0])

    def _send(self, status: int, content: dict[str, Any] | None) -> None:
        body = b"" if content is None else json.dumps(content).encode()
        self._send_bytes(body, status=status, kind="application/json")

    def _send_bytes(self, body: bytes, *, status: int = 200, kind: str = "application/octet-stream") -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  the name of the standard library
        pass
