"""The programs of the page for other languages, run as they are printed."""

import os
import re
import subprocess
from pathlib import Path

from contract_tests.rules.pages import REPOSITORY
from contract_tests.serving import ServedWorld

PAGE = (REPOSITORY / "docs/without-sdk.md").read_text("utf-8")


def test_the_program_for_node_prints_the_rows_of_the_export(server: ServedWorld, tmp_path: Path) -> None:
    [program] = re.findall(r"```js\n// export\.mjs\n(.*?)```", PAGE, re.DOTALL)
    (tmp_path / "export.mjs").write_text(program)
    place = {"MOCK_URL": server.url, "MOCK_KEY": server.api_key}
    ended = subprocess.run(
        ["node", "export.mjs"], cwd=tmp_path, env=os.environ | place, capture_output=True, text=True, check=False
    )
    assert (ended.returncode, ended.stderr) == (0, "")
    rows = server.own.expected_rows("image")
    project = server.projects["image"]
    expected = [f"{row['data_row']['global_key']} {len(row['projects'][project]['labels'])}" for row in rows]
    assert ended.stdout.splitlines() == expected
