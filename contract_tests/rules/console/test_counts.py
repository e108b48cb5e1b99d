"""The numbers of data rows on the page are those of the newest change, although they are kept between changes."""

import requests

from contract_tests.rules.console.browsing import fetch, find_texts
from contract_tests.serving import ServedWorld


def test_every_change_is_counted_by_the_next_view(server: ServedWorld) -> None:
    path = f"/console/projects/{server.projects['text']}"

    def counts() -> tuple[str, list[str]]:
        """The number of a project's rows, and all numbers of the home page."""
        numbers = find_texts(fetch(server, "/"), r'<td class="number">(\d+)</td>')
        return find_texts(fetch(server, path), r"<b>(\d+)</b> data rows")[0], numbers

    assert counts() == counts()
    before = counts()
    deleted = find_texts(fetch(server, path), r'name="id" value="([^"]+)" aria-label="Select')[0]
    server.ask("mutation($id: ID!) { deleteDataRows(where: {dataRowIds: [$id]}) { id } }", id=deleted)
    after = counts()
    assert int(after[0]) == int(before[0]) - 1
    assert after[1] != before[1]
    requests.post(f"{server.url}/_mock/reset", timeout=60).raise_for_status()
    assert counts() == before
