"""Results in memory: a second implementation of the interface, which shows that exports use nothing else."""

from __future__ import annotations

import io

from mockserver.results.interface import ResultFile


class MemoryResults:
    """Files by name. A file is there when its writer is closed or has written something."""

    remote = False
    keeps_open = True

    def __init__(self) -> None:
        self._files: dict[str, bytearray] = {}
        self._times: dict[str, float] = {}

    def create(self, name: str) -> MemoryWriter:
        content = self._files[name] = bytearray()
        self._times[name] = float(len(self._times))
        return MemoryWriter(content)

    def open(self, name: str) -> MemoryReader:
        return MemoryReader(bytes(self._find(name)))

    def size(self, name: str) -> int:
        return len(self._find(name))

    def _find(self, name: str) -> bytearray:
        try:
            return self._files[name]
        except KeyError:
            raise FileNotFoundError(name) from None

    def delete(self, name: str) -> None:
        for known in [known for known in self._files if known == name or known.startswith(f"{name}/")]:
            del self._files[known]

    def list(self, below: str) -> list[ResultFile]:
        names = sorted(name for name in self._files if name.startswith(f"{below}/"))
        return [ResultFile(name, len(self._files[name]), self._times[name]) for name in names]

    def find_path(self, _name: str) -> None:
        """There is no path."""

    def sign_url(self, _name: str) -> None:
        """There is no URL."""


class MemoryWriter:
    def __init__(self, content: bytearray) -> None:
        self._content = content

    def write(self, data: bytes) -> None:
        self._content += data

    def close(self) -> None:
        pass

    def abandon(self) -> None:
        pass


class MemoryReader:
    def __init__(self, content: bytes) -> None:
        self._content = io.BytesIO(content)
        self.size = len(content)

    def read(self, first: int, most: int) -> bytes:
        self._content.seek(first)
        return self._content.read(most)

    def close(self) -> None:
        self._content.close()
