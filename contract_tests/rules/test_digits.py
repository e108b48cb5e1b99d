"""Numbers in text are ASCII digits wherever a client can send one; every other text is refused in plain words."""

import re
from pathlib import Path
from urllib.parse import quote

import click
import pytest
from hypothesis import given
from hypothesis import strategies as st

from contract_tests.rules.api.asking import EXPORT, ask, export_input, get, open_connection, raw
from contract_tests.rules.api.uploading import SUCCESSES, create_dataset, upsert, write_item
from contract_tests.rules.contract.test_wire import name_mistakes, record
from contract_tests.serving import ServedWorld
from mockserver import digits
from mockserver.commands.control.values import Pace
from mockserver.commands.durations import Duration
from mockserver.commands.webhook import Statuses
from mockserver.digits import MOST, parse_digits
from mockserver.webhooks.exchange import Outcome
from mockserver.webhooks.schedule import LONGEST_RETRY_AFTER, retry_after

PACKAGE = Path(digits.__file__).parent
OTHERS = {
    "superscript": "²",
    "arabic": "٣",
    "full width": "１",
    "mathematical": "𝟙",
    "a half": "½",
    "underscore": "1_0",
    "plus": "+1",
    "minus": "-2",
    "two signs": "--1",
    "a blank before": " 1",
    "a blank after": "1 ",
    "hexadecimal": "0x1",
    "exponent": "1e3",
    "a fraction": "1.5",
    "not a number": "nan",
    "infinity": "inf",
    "a long one": "9" * 10_000,
}
other = pytest.mark.parametrize("text", OTHERS.values(), ids=list(OTHERS))


@given(st.one_of(st.text(max_size=25), st.from_regex(r"\s?[+-]?\d{1,20}\s?"), st.integers(0, 10**20).map(str)))
def test_only_ascii_digits_are_a_number(text: str) -> None:
    expected = int(text) if re.fullmatch(f"[0-9]{{1,{MOST}}}", text) else None
    assert parse_digits(text) == expected


def test_nothing_else_asks_whether_a_text_has_digits() -> None:
    """`isdigit` takes ², `isdecimal` the digits of all scripts, and `int` more than either."""
    files = [file for file in PACKAGE.rglob("*.py") if re.search(r"\.is(digit|decimal|numeric)\(", file.read_text())]
    assert files == [PACKAGE / "digits.py"]


# GraphQL

PAGES = (
    "query($run: ID!, $after: String) {annotationGroups(where: {modelRunId: {id: $run}}, after: $after) {nodes {id}}}"
)
FILE = (
    "query($id: ID!, $at: UInt64!)"
    " {task(where: {id: $id}) {exportFileFromOffset(streamType: RESULT, offset: $at) {file}}}"
)


@other
def test_a_cursor_is_digits(server: ServedWorld, text: str) -> None:
    assert (
        "Unknown cursor" in ask(server, PAGES, {"run": server.own.model_run("first training"), "after": text}).message
    )


@other
def test_an_offset_is_digits(server: ServedWorld, text: str) -> None:
    assert "UInt64 cannot represent" in ask(server, FILE, {"id": "cnobody", "at": text}).message


def test_an_offset_has_64_bits(server: ServedWorld) -> None:
    created = ask(server, EXPORT, {"input": export_input(server.projects["image"])}).data["exportDataRowsInProject"]
    last, more = ({"id": created["taskId"], "at": str(offset)} for offset in (2**64 - 1, 2**64))
    assert ask(server, FILE, last).data["task"] == {"exportFileFromOffset": None}
    assert "UInt64 cannot represent" in ask(server, FILE, more).message


@pytest.fixture(scope="module")
def import_task(server: ServedWorld) -> str:
    return str(upsert(server.own, [write_item(create_dataset(server.own), row_data="a text")])["id"])


@other
def test_a_page_of_imported_rows_begins_behind_digits(server: ServedWorld, import_task: str, text: str) -> None:
    answer = ask(server, SUCCESSES, {"taskId": import_task, "first": 1, "from": text})
    assert (answer.code, answer.message[:20]) == ("BAD_USER_INPUT", "first is 1 and from ")


# HTTP


@other
@pytest.mark.parametrize(
    ("target", "refusals"),
    [
        ("/masks/feature/cnobody?frame={}", {400, 401, 403, 404}),
        ("/_mock/requests?status={}", {400}),
        ("/_mock/requests?after={}", {400}),
        ("/_mock/deliveries?first={}", {400}),
        ("/console/projects/{project}?after={}", {400}),
        ("/console/requests?number={}", {400}),
    ],
)
def test_numbers_in_addresses_are_digits(server: ServedWorld, target: str, refusals: set[int], text: str) -> None:
    path = target.replace("{project}", server.projects["image"]).replace("{}", quote(text))
    understood = {200} if text in {"1e3", "-2"} else set[int]()  # by the decoder of JSON
    assert get(server, path).status in refusals | understood


@other
def test_the_end_of_a_link_is_digits(server: ServedWorld, text: str) -> None:
    [row, *_] = server.own.expected_rows("image")
    link = re.sub("(?<=Expires=)[0-9]+", quote(text), row["data_row"]["row_data"])
    answer = get(server, link)
    assert (answer.status, "no readable Expires" in answer.body.decode()) == (403, True)


@other
def test_a_confidence_in_an_address_is_a_plain_number(server: ServedWorld, text: str) -> None:
    run = server.own.model_run("first training")
    answer = get(server, f"/console/model-runs/{run}?confidence_from={quote(text)}")
    assert answer.status == (200 if text.strip() == "1" else 400)


@other
def test_a_range_that_is_no_range_is_ignored(server: ServedWorld, text: str) -> None:
    with open_connection(server) as connection:
        connection.request("GET", "/_mock/openapi.json", headers={"Range": f"bytes={text}-".encode()})
        response = connection.getresponse()
        assert response.status in {200, 416}
        response.read()


@other
def test_the_length_of_a_body_is_digits(server: ServedWorld, text: str) -> None:
    head = f"POST /graphql HTTP/1.1\r\nHost: localhost\r\nContent-Length: {text}\r\n\r\n"
    assert raw(server, head.encode() + b"{}").status in {400, 401, 413, 431}


# Answers of receivers and clients


@other
def test_a_retry_after_of_a_receiver_is_digits(text: str) -> None:
    seconds = retry_after(Outcome(status=503, headers=[("Retry-After", text)]))
    assert seconds == {"9" * 10_000: LONGEST_RETRY_AFTER, " 1": 1.0, "1 ": 1.0}.get(text, 0.0)


@other
def test_the_pause_of_a_client_is_not_judged_by_what_is_no_number(text: str) -> None:
    """Before, `²` ended the contract with a ValueError."""
    limited = record(0, "task", status=429, headers=[["Retry-After", text]])
    assert name_mistakes(limited, record(0.5, "task")) == []


# The command line


@other
@pytest.mark.parametrize("kind", [Statuses(), Duration(), Pace()], ids=["statuses", "duration", "progression"])
def test_numbers_of_the_command_line_are_digits(kind: Statuses | Duration | Pace, text: str) -> None:
    given_text = f"looks={text}" if isinstance(kind, Pace) else text
    if text == "1.5":
        return
    with pytest.raises(click.UsageError, match="expected"):
        kind.convert(given_text, None, None)
