"""The Dockerfile, built and run without Docker and without a registry: `make image`.

The base is Debian with its own Python, made by debootstrap and kept beside the environments of the SDKs. That takes
minutes at first, so CI does not do it: it needs root, buildah and debootstrap, and IMAGE_TEST=1.
"""

import os
import shutil
import subprocess
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from contract_tests.clients.environments import cache_folder, lock
from contract_tests.rules.pages import REPOSITORY

MISSING = [name for name in ("buildah", "debootstrap", "unshare") if shutil.which(name) is None]
REASON = (
    "IMAGE_TEST is not set" if not os.environ.get("IMAGE_TEST")
    else "only root can make a base image" if os.getuid() != 0
    else f"missing: {', '.join(MISSING)}" if MISSING
    else ""
)  # fmt: skip
pytestmark = [pytest.mark.skipif(bool(REASON), reason=REASON), pytest.mark.timeout(3000)]
RELEASE = "trixie"
BASE = "python:3.13-slim"
CERTIFICATES = "/etc/ssl/certs"
FROM_THE_MACHINE = [path for path in (CERTIFICATES, "/etc/xdg/pip", "/opt/pypi", "/opt/wheels") if Path(path).exists()]
"""Folders that pip needs to find packages as it does outside of the build."""
INSIDE = """
mount --bind {root} {root} && mount -t tmpfs tmpfs {root}/tmp && mount -o remount,ro,bind {root} {root}
run="env -i PATH=/opt/mockserver/bin:/usr/bin:/bin LABELBOX_MOCKSERVER_CACHE=/var/cache/mockserver"
run="$run LABELBOX_MOCKSERVER_PORT={port} $(command -v chroot) --userspec={user} {root}"
$run mockserver serve --host 127.0.0.1 --scenario {scenario} & server=$!
$run mockserver health --wait 120s && $run mockserver workspaces; status=$?
kill $server; wait $server; exit $status
"""


def run(*command: str, folder: Path | None = None) -> str:
    settings = os.environ | {"BUILDAH_ISOLATION": "chroot", "STORAGE_DRIVER": "vfs"}
    ended = subprocess.run(command, cwd=folder, env=settings, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, f"{command}: {ended.stdout[-3000:]}{ended.stderr[-3000:]}"
    return ended.stdout.strip()


@pytest.fixture(scope="module")
def base() -> Path:
    """A root file system with Python and pip, as in the image that the Dockerfile names."""
    folder = cache_folder() / f"base-{RELEASE}"
    with lock(cache_folder() / "base.lock"):
        if not folder.exists():
            unfinished = folder.with_suffix(".unfinished")
            shutil.rmtree(unfinished, ignore_errors=True)
            packages = "python3,python3-venv,python3-pip,ca-certificates"
            run("debootstrap", "--variant=minbase", f"--include={packages}", RELEASE, str(unfinished))
            (unfinished / "usr/bin/python").symlink_to("python3")
            for mark in unfinished.glob("usr/lib/python3*/EXTERNALLY-MANAGED"):
                mark.unlink()
            unfinished.rename(folder)
    return folder


@pytest.fixture(scope="module")
def root(base: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The mounted file system of the image that is built from this checkout."""
    folder = tmp_path_factory.mktemp("image")
    buildah = ("buildah", "--root", str(folder / "storage"), "--runroot", str(folder / "run"))
    scratch = run(*buildah, "from", "scratch")
    run(*buildah, "add", "-q", scratch, str(base), "/")
    run(*buildah, "commit", "-q", scratch, BASE)
    volumes = [word for path in FROM_THE_MACHINE for word in ("--volume", f"{path}:{path}:ro")]
    run(*buildah, "bud", "--isolation", "chroot", "--pull-never", *volumes, "-t", "mock", ".", folder=REPOSITORY)
    container = run(*buildah, "from", "--pull-never", "localhost/mock")
    yield Path(run(*buildah, "mount", container))
    run(*buildah, "umount", container)
    run(*buildah, "rm", "--all")


@pytest.mark.parametrize("user", ["10001:0", "12345:0"])
@pytest.mark.parametrize("scenario", ["default", "states"])
def test_any_user_serves_any_scenario_on_a_read_only_root_and_another_port(
    root: Path, user: str, scenario: str
) -> None:
    port = 20_000 + uuid.uuid4().int % 20_000
    script = INSIDE.format(root=root, port=port, user=user, scenario=scenario)
    output = run("unshare", "--mount", "bash", "-c", script)
    assert "ok " in output
    assert "mock-api-key" in output.splitlines()[-1]


def test_the_image_holds_no_sources_and_no_installer(root: Path) -> None:
    names = {path.name for path in (root / "opt/mockserver/bin").iterdir()}
    assert {"mockserver", "labelbox-mockserver"} <= names
    assert "pip" not in names
    assert not (root / "source").exists()
