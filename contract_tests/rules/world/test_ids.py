"""Ids have the service's shapes and never meet."""

import re
import uuid

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mockserver.world import ids

PART = st.text(st.characters(exclude_characters="\x1f", exclude_categories=["Cs"])) | st.integers()
MOMENT = st.integers(0, 36**8 * 1000 - 1)
"""Microseconds UTC, as far as eight digits reach."""
PATH = st.lists(PART, min_size=1, max_size=5).map(lambda path: tuple(map(str, path)))


@pytest.mark.known("sample")
@given(MOMENT, PATH)
def test_an_id_has_25_characters_and_begins_with_c_and_its_moment(at: int, path: tuple[str, ...]) -> None:
    text = ids.cuid(at, *path)
    assert re.fullmatch("c[a-z0-9]{24}", text)
    assert int(text[1:9], 36) == at // 1000


@pytest.mark.known("sample")
@given(MOMENT, MOMENT, PATH, PATH)
def test_ids_grow_with_time(one: int, other: int, path: tuple[str, ...], another: tuple[str, ...]) -> None:
    early, late = sorted([one, other])
    if early // 1000 < late // 1000:
        assert ids.cuid(early, *path) < ids.cuid(late, *another)


@given(PATH, PATH)
def test_distinct_paths_have_distinct_ids(first: tuple[str, ...], second: tuple[str, ...]) -> None:
    for of_a_moment in (ids.cuid, ids.time_uuid):
        assert (of_a_moment(0, *first) == of_a_moment(0, *second)) == (first == second)
    for build in (ids.random_uuid, ids.plain_uuid):
        assert (build(*first) == build(*second)) == (first == second)


@given(PATH)
def test_a_number_and_its_digits_are_the_same_path(path: tuple[str, ...]) -> None:
    assert ids.cuid(0, *path, 7) == ids.cuid(0, *path, "7")


@given(PATH, PART, st.integers(1, 64))
def test_a_stem_names_the_same_as_the_whole_path(path: tuple[str, ...], last: object, size: int) -> None:
    assert ids.Stem(*path).cuid(5, last) == ids.cuid(5, *path, last)
    assert ids.Stem(*path, size=size).digest(last) == ids.digest(*path, last, size=size)


@pytest.mark.known("sample")
@given(MOMENT, PATH)
def test_uuids_carry_their_version(at: int, path: tuple[str, ...]) -> None:
    for text, version in ((ids.time_uuid(at, *path), 1), (ids.random_uuid(*path), 4), (ids.plain_uuid(*path), 0)):
        uuid_ = uuid.UUID(text)
        assert (str(uuid_), int(text[14]), uuid_.variant) == (text, version, uuid.RFC_4122)
    since_1970 = uuid.UUID(ids.time_uuid(at, *path)).time - uuid.UUID(ids.time_uuid(0, *path)).time
    assert since_1970 == at * 10


@given(PATH, st.integers(0, 36**5 - 1))
def test_a_feature_id_is_an_id_that_names_its_label(path: tuple[str, ...], number: int) -> None:
    prefix = ids.feature_prefix(ids.cuid(5, *path))
    feature = prefix + ids.ordinal(number)
    assert re.fullmatch("c[a-z0-9]{24}", feature)
    assert (feature[: ids.FEATURE_PREFIX], int(feature[ids.FEATURE_PREFIX :], 36)) == (prefix, number)


def test_ten_thousand_labels_have_ten_thousand_prefixes() -> None:
    assert len({ids.feature_prefix(ids.cuid(0, "label", number)) for number in range(10_000)}) == 10_000


def test_the_generated_ids_are_those_of_yesterday() -> None:
    """Ids are promised to stay: a changed hash would change everybody's committed expectations."""
    assert ids.cuid(1_735_689_600_000_000, 0, "project", "image") == "cm5d4ruo0l7haj3bundr1855i"
