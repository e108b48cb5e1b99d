"""Vectors that are kept until a whole file is checked take the memory of their text."""

import subprocess
import sys

PROGRAM = """
import re
from pathlib import Path
from mockserver.imports.row_specs import encode_vector
from mockserver.world.records.data_rows import Embedding

def read_memory():
    return int(re.search(r"VmRSS:\\s+(\\d+)", Path("/proc/self/status").read_text())[1]) // 1024

embedding = Embedding("id", "name", 128, True)
before = read_memory()
vectors = [encode_vector([0.5] * 128, embedding) for _ in range(30_000)]
print(sum(map(len, vectors)) // 2**20, read_memory() - before)
"""


def test_many_vectors_take_little_more_memory_than_their_text() -> None:
    ended = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=True)
    text, memory = map(int, ended.stdout.split())
    assert memory < 3 * text
