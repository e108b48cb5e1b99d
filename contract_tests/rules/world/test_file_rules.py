"""The rules of a scenario about files that clients import, by patterns of their URLs."""

import re
from pathlib import Path
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from contract_tests.rules.api.asking import answer_in, ask_in
from contract_tests.rules.api.graphql.resolvers.test_batches import CREATE, CREATE_PROJECT, create_batch
from contract_tests.rules.api.uploading import World, create_dataset, import_rows
from contract_tests.serving import ServedWorld
from mockserver.errors import ScenarioError
from mockserver.generate.scenario import parse
from mockserver.imports.media import build_content
from mockserver.world.file_rules import MOST_FILE_RULES, FileRule, find_rule

TEXTS = st.text("ab/.", max_size=8)
ATTRIBUTES = "query($id: ID!) {dataRow(where: {id: $id}) {mediaAttributes}}"


@given(pattern=st.lists(TEXTS, min_size=1, max_size=5).map("*".join), url=TEXTS)
def test_a_star_is_any_text_as_in_a_regular_expression(pattern: str, url: str) -> None:
    expression = ".*".join(map(re.escape, pattern.split("*")))
    fits = re.fullmatch(expression, url) is not None
    assert FileRule(url=pattern or "x").matches(url) is (fits if pattern else url == "x")


@given(parts=st.lists(TEXTS, min_size=1, max_size=5), between=TEXTS)
def test_a_url_fits_the_pattern_that_it_was_made_from(parts: list[str], between: str) -> None:
    assert FileRule(url="*".join(parts)).matches(between.join(parts))


def test_many_stars_and_a_long_url_take_no_time() -> None:
    assert not FileRule(url="*a" * 400 + "*b").matches("a" * 100_000)


def test_the_first_rule_that_fits_counts() -> None:
    rules = [FileRule(url="https://a/*.mp4"), FileRule(url="https://a/*"), FileRule(url="https://b/c.png")]
    matches = [find_rule(rules, url) for url in ("https://a/x.mp4", "https://a/x.png", "https://b/c.png", "https://c")]
    assert matches == [*rules, None]


def render(url: str, rule: dict[str, Any], sent: str | None = None) -> tuple[str, dict[str, Any]]:
    """The media type and the attributes of a file; `sent` is the media type of the client."""
    content = build_content(url, sent, [FileRule(url="https://example.com/*", **rule)])
    return content.media_type, orjson.loads(content.media_attributes)


def test_attributes_of_a_rule_win_over_those_of_the_name() -> None:
    kind, attributes = render("https://example.com/a-10x20.png", {"attributes": {"width": 3840, "lens": "wide"}})
    assert kind == "IMAGE"
    assert (attributes["width"], attributes["height"], attributes["lens"]) == (3840, 20, "wide")
    assert (attributes["asset_type"], attributes["mime_type"]) == ("image", "image/png")
    assert list(attributes)[:2] == ["height", "width"], "in the order of the samples"


def test_a_file_that_could_not_be_read_has_no_attributes() -> None:
    assert render("https://example.com/a-10x20.png", {"readable": False}) == ("IMAGE", {})


def test_a_rule_gives_a_media_type_unless_the_client_sent_one() -> None:
    rule: dict[str, Any] = {"media_type": "VIDEO", "attributes": {"frame_count": 900, "mime_type": "video/webm"}}
    kind, attributes = render("https://example.com/stream", rule)
    assert (kind, attributes["frame_count"], attributes["mime_type"]) == ("VIDEO", 900, "video/webm")
    assert render("https://example.com/stream", rule, "IMAGE")[0] == "IMAGE"


def test_other_urls_and_texts_are_as_without_rules() -> None:
    for row_data in ("https://other.example/a.png", "A text about https://example.com/a.png", "plain"):
        rules = [FileRule(url="https://example.com/*", attributes={"width": 1})]
        assert build_content(row_data, None, rules) == build_content(row_data)


@pytest.mark.parametrize(
    ("rule", "words"),
    [
        ('url = "a"\nmedia_type = "VIDO"', "unknown 'VIDO'; the nearest known are \"VIDEO\""),
        ('url = "a"\nattributes = {asset_type = "image"}', "asset_type follows from media_type"),
        ('url = "a"', "the rule says nothing"),
        ('url = "a"\nreadable = true', "the rule says nothing"),
        ('url = "a"\nreadable = false\nattributes = {width = 5}', "a file that is not readable has no attributes"),
        ('media_type = "VIDEO"', "missing required field `url`"),
        ('url = "a"\nwidth = 5', "there is no key 'width'"),
        ('url = "a"\nattributes = {width = [5]}', "at $.files[0].attributes"),
        ('url = "a"\nattributes = {width = nan}', "Expected `float` >= -1000000000000000"),
        ('url = "a"\nattributes = {width = inf}', "Expected `float` <= 1000000000000000"),
        ('url = "a"\nattributes = {width = 1180591620717411303424}', "Expected `int` <= 1000000000000000"),
    ],
)
def test_a_rule_that_is_wrong_is_refused_where_it_is(rule: str, words: str) -> None:
    with pytest.raises(ScenarioError) as refused:
        parse(f'description = "Files."\n[[files]]\n{rule}'.encode(), source="mine.toml")
    assert words in str(refused.value)


def test_more_rules_than_fit_are_refused() -> None:
    rules = '[[files]]\nurl = "a"\nmedia_type = "IMAGE"\n' * (MOST_FILE_RULES + 1)
    with pytest.raises(ScenarioError, match="at most 200 rules"):
        parse(f'description = "Files."\n{rules}'.encode(), source="mine.toml")


@pytest.mark.known("client")
def test_rows_that_a_client_creates_have_the_attributes_of_the_scenario(tmp_path: Path) -> None:
    scenario = tmp_path / "files.toml"
    scenario.write_text(
        'description = "Files."\nlike = "empty"\n[[files]]\nurl = "https://example.com/4k/*"\n'
        'media_type = "VIDEO"\nattributes = { width = 3840, height = 2160, frame_count = 900 }\n'
        '[[files]]\nurl = "gs://closed/*"\nreadable = false\n'
    )
    with ServedWorld("--scenario", str(scenario)) as world:
        for workspace in (world.own, world.workspace(), world.own.fork()):
            sent = [{"row_data": "https://example.com/4k/clip", "global_key": f"key-{workspace.api_key}"}]
            [row] = import_rows(workspace, create_dataset(workspace), sent)
            attributes = ask_in(workspace, ATTRIBUTES, id=row["id"])["dataRow"]["mediaAttributes"]
            assert (attributes["width"], attributes["frameCount"], attributes["assetType"]) == (3840, 900, "video")
            check_unreadable_rows(workspace, row["id"])


def check_unreadable_rows(workspace: World, readable: str) -> None:
    """Expects that they are listed as failed, and do not come into the project (test_batch.py
    test_batch_creation_for_data_rows_with_issues)."""
    dataset = create_dataset(workspace)
    closed = [row["id"] for row in import_rows(workspace, dataset, [{"row_data": "gs://closed/a.png"}] * 2)]
    project = ask_in(workspace, CREATE_PROJECT, data={"name": "new", "allowedMediaType": "VIDEO"})["createProject"][
        "id"
    ]
    created = create_batch(workspace, project, dataRowIds=[*closed, readable])
    assert (created["batch"]["size"], created["failedDataRowIds"]) == (1, closed)
    answer = answer_in(workspace, CREATE, projectId=project, batchInput={"name": "closed", "dataRowIds": closed})
    assert [error["message"] for error in answer["errors"]] == ["No valid data rows to add to project"]
