"""The bodies of messages: rows of a generated world, and changes to them."""

import copy
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mockserver.certification.documents import Document, Version, load_documents, with_field, with_ids
from mockserver.certification.factory import MessageFactory, respell_numbers
from mockserver.certification.load import count_cut_letters
from mockserver.errors import StartupError

JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**9), 10**9)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
)


@pytest.fixture(scope="module")
def documents() -> list[Document]:
    return load_documents()


def test_every_document_has_a_label(documents: list[Document]) -> None:
    assert len(documents) > 10
    for document in documents:
        assert all(entry["labels"] for entry in document["projects"].values())


@pytest.mark.known("client")
def test_v1_bodies_have_a_label_in_a_text_of_json() -> None:
    """Diffgram's receiver reads it in this way."""
    for document in load_documents(version="v1", project="image"):
        label = json.loads(document["label"])
        assert document["skipped"] or {"objects", "classifications"} <= label.keys()
        assert (document["id"][0], document["dataRow"]["id"][0], document["project"]["id"][0]) == ("c", "c", "c")


def test_v1_bodies_take_own_ids_and_words() -> None:
    [first, *_] = load_documents(version="v1")
    document = with_ids(first, {"data_row": "row", "project": "mine", "label": "own"})
    assert (document["dataRow"]["id"], document["project"]["id"], document["id"]) == ("row", "mine", "own")
    assert "größe" in MessageFactory([first], secret="s").body_with_text("größe").decode()


@pytest.mark.parametrize("version", ["v1", "v2"])
def test_a_skipped_label_is_found(version: Version) -> None:
    assert MessageFactory(load_documents(version=version), secret="s").find_skipped() is not None


def test_they_are_the_same_each_time(documents: list[Document]) -> None:
    assert load_documents() == documents


def test_a_project_can_be_chosen_by_name_or_id(documents: list[Document]) -> None:
    chosen = load_documents(project="text")
    [project_id] = chosen[0]["projects"]
    assert load_documents(project=project_id) == chosen
    assert 0 < len(chosen) < len(documents)


def test_another_seed_makes_other_messages(documents: list[Document]) -> None:
    assert load_documents(seed=1)[0] != documents[0]


def test_no_two_messages_of_a_run_or_of_two_runs_share_an_id(documents: list[Document]) -> None:
    ids = [
        factory.build_message().delivery_id
        for run in "ab"
        for factory in [MessageFactory(documents, secret="s", run=run)] * 50
    ]
    assert len(set(ids)) == 100
    assert {len(each) for each in ids} == {25}


def test_ids_are_replaced_everywhere(documents: list[Document]) -> None:
    old = copy.deepcopy(documents[0])
    document = with_ids(old, {"data_row": 'quoted"', "project": "mine", "label": "own"})
    assert (document["data_row"]["id"], list(document["projects"])) == ('quoted"', ["mine"])
    assert document["projects"]["mine"]["labels"][0]["id"] == "own"
    assert json.dumps(old["data_row"]["id"])[1:-1] not in json.dumps(document)


@given(st.text(min_size=1).filter(lambda name: "." not in name and "=" not in name and name != "*"), JSON)
def test_any_value_can_be_set_under_any_name(name: str, value: object) -> None:
    assert with_field({"inner": {"kept": 1}}, f"inner.{name}={json.dumps(value)}", new=True)["inner"][name] == value


@pytest.mark.parametrize(
    ("path", "document"),
    [
        ("a.0.b=x", {"a": [{"b": "x"}]}),
        ("a.*.b=x", {"a": [{"b": "x"}]}),
        ("a.0=7", {"a": [7]}),
        ("*=x", {"a": "x"}),
        ("b=a=c", {"a": [{"b": 1}], "b": "a=c"}),
    ],
)
def test_a_path_leads_through_lists_and_stars(path: str, document: Document) -> None:
    assert with_field({"a": [{"b": 1}]}, path, new=True) == document


@pytest.mark.parametrize("path", ["a", "=1", "b.c=1", "a.1=1", "a.x=1", "a.0.b.c=1", "a.0.b.*=1", "a.0.c=1", "A=1"])
def test_a_path_that_leads_nowhere_is_refused(path: str) -> None:
    with pytest.raises(StartupError):
        with_field({"a": [{"b": 1}]}, path)


@given(st.dictionaries(st.text(), st.integers(-(2**53), 2**53)))
def test_numbers_are_respell_numbers_and_stay_the_same(numbers: dict[str, int]) -> None:
    body = json.dumps(numbers, separators=(",", ":")).encode()
    assert list(json.loads(respell_numbers(body)).values()) == list(numbers.values())


@given(st.text().filter(lambda text: "\ufffd" not in text), st.integers(1, 50))
def test_a_cut_letter_is_what_cannot_be_decoded_by_pieces(text: str, size: int) -> None:
    body = text.encode()
    pieces = [body[start : start + size].decode("utf-8", "replace") for start in range(0, len(body), size)]
    assert (count_cut_letters(body, size) > 0) == ("\ufffd" in "".join(pieces))
