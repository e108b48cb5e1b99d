"""The server in a container, by Testcontainers: docs/containers.md. Extra `testcontainers`.

    with MockServerContainer("labelbox-mockserver") as container:
        workspace = container.server.workspace()

Docker, or what answers in its place, runs the image of this repository's Dockerfile.
"""

from __future__ import annotations

import secrets
import time
from functools import cached_property
from pathlib import Path
from typing import Any, NoReturn
from urllib.request import urlopen

from mockserver.places import ENVIRONMENT_PREFIX
from mockserver.testing.errors import ServerDiedError
from mockserver.testing.server import MockServer

try:
    from testcontainers.core.container import DockerContainer
    from testcontainers.core.waiting_utils import WaitStrategy, WaitStrategyTarget
except ModuleNotFoundError as missing:
    if missing.name not in {"testcontainers", "testcontainers.core", "testcontainers.core.waiting_utils"}:
        raise
    raise ModuleNotFoundError(
        "mockserver.testing.container needs Testcontainers 4.13 or later: "
        "pip install 'labelbox-mockserver[testcontainers]'",
        name="testcontainers",
    ) from None

PORT = 8000
READY_WITHIN = 120
"""Seconds. A scenario that the image has not prepared is generated first."""
POLL = 0.2
"""Seconds between two looks at the container."""
SCENARIO_FILE = "/scenario.toml"
"""The place of a scenario file in the container."""
HOST = "host.docker.internal"
"""The name by which the container reaches the machine that runs it."""


class Readiness(WaitStrategy):
    """Waits for the health of the server. A container that has ended is reported immediately, with its output."""

    def wait_until_ready(self, container: WaitStrategyTarget) -> None:
        """Raises ServerDiedError if the container ends, or is not ready in time."""
        deadline = time.monotonic() + READY_WITHIN
        while not self._is_ready(container):
            if time.monotonic() > deadline:
                self._fail(container, f"was not ready within {READY_WITHIN} s")
            time.sleep(POLL)

    def _is_ready(self, container: WaitStrategyTarget) -> bool:
        wrapped = container.get_wrapped_container()
        wrapped.reload()
        if wrapped.status in {"exited", "dead", "removing"}:
            self._fail(container, "has ended before it was ready")
        if wrapped.status != "running":
            return False
        try:  # a container that has just ended has no port: the next look says that it has ended
            url = f"http://{container.get_container_host_ip()}:{container.get_exposed_port(PORT)}/_mock/health"
            with urlopen(url, timeout=5):
                return True
        except OSError:
            return False

    def _fail(self, container: WaitStrategyTarget, reason: str) -> NoReturn:
        output = container.get_wrapped_container().logs().decode("utf-8", "replace")
        raise ServerDiedError(f"The container {reason}. It wrote:\n{output or '(nothing)'}")


class MockServerContainer(DockerContainer):
    """A container with a server, for tests that cannot have the server beside them. A context manager.

    `image` is built from the Dockerfile. `settings` are those of docs/settings.md, as words: `scenario="states"`,
    `seed=3`, `payload_date="2023-06-30"`. A scenario may be a file of this machine. `control_token` is drawn if it is
    not given.
    """

    def __init__(
        self,
        image: str = "labelbox-mockserver",
        *,
        control_token: str | None = None,
        docker_options: dict[str, Any] | None = None,
        **settings: str | int,
    ) -> None:
        super().__init__(image, **{"extra_hosts": {HOST: "host-gateway"}, **(docker_options or {})})
        self.control_token = control_token or secrets.token_urlsafe(16)
        self.with_exposed_ports(PORT)
        self.waiting_for(Readiness())
        for name, value in {**settings, "control_token": self.control_token}.items():
            self._set(name, str(value))

    def _set(self, name: str, value: str) -> None:
        if name == "scenario" and Path(value).is_file():
            self.with_volume_mapping(str(Path(value).absolute()), SCENARIO_FILE)
            value = SCENARIO_FILE
        self.with_env(f"{ENVIRONMENT_PREFIX}{name.upper()}", value)

    @property
    def url(self) -> str:
        """Scheme, host and port, from this machine."""
        return f"http://{self.get_container_host_ip()}:{self.get_exposed_port(PORT)}"

    @cached_property
    def server(self) -> MockServer:
        """The running server, which creates workspaces."""
        return MockServer.from_url(self.url, control_token=self.control_token)

    def receiver_url(self, port: int, path: str = "/") -> str:
        """The URL of a webhook receiver on this machine, as the container reaches it."""
        return f"http://{HOST}:{port}{path}"
