"""The services of a compose file as processes of this machine, each at a loopback address of its own.

The names of services are replaced by their addresses in commands, environments and files, and images by the programs
that they carry. Ports stay, since no two services share an address.
"""

import os
import secrets
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any, Self

import psycopg
import requests
import yaml

from contract_tests.postgres import PrivateCluster
from contract_tests.processes import end_process
from contract_tests.serving import environment_without_settings

HEALTHY_WITHIN = 180.0
EVERY_ADDRESS = "0.0.0.0"
MOTO = "from moto.server import main; import sys; main(sys.argv[1:])"


class Composition:
    """To be used as a context manager: the services run in the block."""

    def __init__(self, file: Path, folder: Path) -> None:
        self._file, self._folder = file, folder
        self.services: dict[str, Any] = yaml.safe_load(file.read_text())["services"]
        # 127.0.0.0/8 is this machine. Another test run has another part of it.
        network = f"127.{secrets.randbelow(200) + 20}.{secrets.randbelow(250) + 1}"
        self.addresses = {name: f"{network}.{number}" for number, name in enumerate(self.services, 10)}
        self.processes: dict[str, subprocess.Popen[bytes]] = {}
        self._stack = ExitStack()

    def __enter__(self) -> Self:
        try:
            for name in self.sort_services():
                self._start(name)
        except BaseException:
            self._stack.close()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def log(self, name: str) -> str:
        """The output of a service."""
        return (self._folder / f"{name}.log").read_text("utf-8", "replace")

    def sort_services(self) -> list[str]:
        """Each service after those on which it depends."""
        order: list[str] = []
        while len(order) < len(self.services):
            order += [
                name
                for name, service in self.services.items()
                if name not in order and set(service.get("depends_on", ())) <= set(order)
            ]
        return order

    def _start(self, name: str) -> None:
        service = self.services[name]
        image = service["image"].partition(":")[0]
        run = next(run for part, run in IMAGES.items() if part in image)
        run(self, name, service)

    def translate(self, text: str, own: str) -> str:
        """Replaces the names of services by their addresses, and every address by that of the service `own`."""
        for name, address in self.addresses.items():
            for before in ("//", "@", " "):
                text = text.replace(f"{before}{name}:", f"{before}{address}:")
        return text.replace(EVERY_ADDRESS, self.addresses[own])

    def command(self, name: str) -> list[str]:
        return [self.translate(str(word), name) for word in self.services[name].get("command", ())]

    def spawn(self, name: str, command: list[str]) -> subprocess.Popen[bytes]:
        """Starts a process, which ends with the block."""
        variables = self.services[name].get("environment") or {}
        own = {key: self.translate(str(value), name) for key, value in variables.items()}
        with (self._folder / f"{name}.log").open("wb") as log:
            process = subprocess.Popen(
                command,
                env=environment_without_settings() | {"NO_PROXY": "*"} | own,
                cwd=self._folder,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
        self.processes[name] = process
        self._stack.callback(end_process, process)
        return process

    # Programs

    def run_database(self, name: str, service: Any) -> None:
        cluster = self._stack.enter_context(PrivateCluster(address=self.addresses[name]))
        variables = service["environment"]
        with psycopg.connect(cluster.dsn, autocommit=True) as raw:
            raw.execute(f"CREATE ROLE {variables['POSTGRES_USER']} LOGIN SUPERUSER".encode())
            raw.execute(f"CREATE DATABASE {variables['POSTGRES_DB']}".encode())

    def run_store(self, name: str, _service: Any) -> None:
        self.spawn(name, [sys.executable, "-c", MOTO, *self.command(name)])

    def run_curl(self, name: str, _service: Any) -> None:
        assert self.spawn(name, ["curl", *self.command(name)]).wait(HEALTHY_WITHIN) == 0, self.log(name)

    def run_mockserver(self, name: str, _service: Any) -> None:
        command = [*self.command(name), "--exit-with", str(os.getpid())]
        self.spawn(name, [sys.executable, "-m", "mockserver", *command])
        self.wait_until_healthy(name)

    def run_balancer(self, name: str, service: Any) -> None:
        source, _, _ = service["volumes"][0].partition(":")
        settings = self._folder / "balancer.cfg"
        settings.write_text(self.translate((self._file.parent / source).read_text(), name))
        program = shutil.which("haproxy", path=f"{os.environ['PATH']}:/usr/sbin")
        assert program is not None, "haproxy is not installed: run .ci/debian-packages"
        self.spawn(name, [program, "-db", "-f", str(settings)])
        self.wait_until_healthy(name)

    def wait_until_healthy(self, name: str) -> None:
        deadline = time.monotonic() + HEALTHY_WITHIN
        while not is_healthy(f"http://{self.addresses[name]}:8000"):
            assert self.processes[name].poll() is None, self.log(name)
            assert time.monotonic() < deadline, self.log(name)
            time.sleep(0.05)


def is_healthy(url: str) -> bool:
    with suppress(requests.RequestException):
        return requests.get(f"{url}/_mock/health", timeout=5, proxies={"http": ""}).status_code == 200
    return False


IMAGES: dict[str, Callable[[Composition, str, Any], None]] = {
    "postgres": Composition.run_database,
    "moto": Composition.run_store,
    "curl": Composition.run_curl,
    "mockserver": Composition.run_mockserver,
    "haproxy": Composition.run_balancer,
}
"""The program of an image, by a part of its name."""
