"""Web pages, as another parser reads them."""

from html.parser import HTMLParser

import pytest

from contract_tests.rules.generate.media.variants import answer_keys, build_samples
from mockserver.generate.media import html


class Reader(HTMLParser):
    """Every element that is opened and whether all are closed in order."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.seen: list[str] = []
        self.attributes: dict[str, str | None] = {}
        self.text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.append(tag)
        self.attributes |= dict(attrs)
        if tag != "meta":
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data


@pytest.mark.known("client")
def test_only_questions_are_asked_about_pages() -> None:
    for item in build_samples("html"):
        assert item.body["objects"] == item.body["relationships"] == []
        assert answer_keys(item.body) <= {"radio_answer", "checklist_answers", "text_answer"}
        assert item.attributes == {"asset_type": "html", "mime_type": "text/html"}


@pytest.mark.parametrize("number", range(0, 40, 3))
def test_a_page_is_well_formed_whatever_it_says(number: int) -> None:
    reader = Reader()
    reader.feed(html.write_page(5, "p", number))
    reader.close()
    assert reader.open == []
    assert set(reader.seen) == {"html", "head", "meta", "title", "body", "h1", "p"}


def test_pages_say_in_which_language_and_direction_they_are() -> None:
    readers = []
    for item in build_samples("html"):
        assert item.asset.content_type == "text/html; charset=utf-8"
        readers.append(Reader())
        readers[-1].feed(item.asset.content.decode())
    languages = {(reader.attributes["lang"], reader.attributes["dir"]) for reader in readers}
    assert languages == {("en", "ltr"), ("de", "ltr"), ("ja", "ltr"), ("ar", "rtl"), ("hi", "ltr")}
    assert any("<b>&amp;</b>" in reader.text for reader in readers)
