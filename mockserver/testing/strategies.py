"""Hypothesis strategies for payloads, to test your own parser: docs/pytest.md. Extra `strategies`.

    @given(data_rows("image"))
    def test_my_parser_takes_every_row(row): ...

Each example is valid for the schema of its name (`mockserver.testing.schemas`), its ids are unique, and its parts are
consistent: spans with their tokens, boxes with the picture, frames with segments and key frames. Examples shrink to the
fewest keys, the shortest lists and the plainest texts that still show a failure.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from mockserver.errors import nearest, quote
from mockserver.testing import schemas

try:
    from hypothesis import strategies as st
    from hypothesis.strategies import DrawFn, SearchStrategy

    from mockserver.testing.payloads import PayloadGenerator
    from mockserver.testing.values import Json
except ModuleNotFoundError as missing:
    if missing.name != "hypothesis":
        raise
    raise ModuleNotFoundError(
        "mockserver.testing.strategies needs Hypothesis: pip install 'labelbox-mockserver[strategies]'",
        name="hypothesis",
    ) from None

PARAMS = {
    "attachments": "attachments",
    "metadata_fields": "metadata_fields",
    "embeddings": "embeddings",
    "data_row_details": "details",
    "project_details": "project_details",
    "label_details": "label_details",
    "performance_details": "performance_details",
    "predictions": "predictions",
    "model_run_ids": "experiments",
}
"""The words of `project.export(params=…)`, and the key of a row that each turns on."""
NO_MEDIA = {"row", "label", "run-label", "frame", "data-row"}


def data_rows(media: str | None = None, *, params: Mapping[str, bool] | None = None) -> SearchStrategy[Json]:
    """A line of an Export V2, parsed. `media` as in scenarios, default any.

    `params` are those of `project.export`: every row has a section that is true, no row one that is false, and some
    rows the others. Only rows of model runs have `experiments`, so these are included if `predictions` or
    `model_run_ids` are true. Raises ValueError for an unknown word.
    """
    presence = _parse_params(params or {})
    of_runs = presence.get("experiments", presence.get("predictions", False))
    defaults = {"experiments": of_runs} if of_runs else {"experiments": False, "projects": True}
    return payloads(_name("v2", media), presence=defaults | presence)


def annotations_v2(media: str) -> SearchStrategy[Json]:
    """The `annotations` of a label of an Export V2."""
    word = _name("v2", media).removeprefix("v2-")
    return _examples("blocks", {}, block=f"{word}_annotations")


def metadata_fields() -> SearchStrategy[Json]:
    """An item of a row's `metadata_fields`."""
    return payloads("metadata-field")


def labels_v1(media: str | None = None) -> SearchStrategy[Json]:
    """An element of an Export V1, parsed."""
    if media is None:
        return st.sampled_from(_media("v1")).flatmap(labels_v1)
    return payloads(_name("v1", media))


def frames() -> SearchStrategy[list[Json]]:
    """The lines of the frames endpoint of a label, parsed: each frame once, in order."""
    return st.lists(payloads("v1-frame"), max_size=5, unique_by=lambda line: line["frameNumber"]).map(
        lambda lines: sorted(lines, key=lambda line: int(line["frameNumber"]))
    )


def webhook_bodies(version: str = "v1") -> SearchStrategy[Json]:
    """The body of a webhook, parsed."""
    return payloads(f"webhook-{version}")


def result_files(media: str | None = None, *, params: Mapping[str, bool] | None = None) -> SearchStrategy[bytes]:
    """A whole NDJSON file of an Export V2, as it is downloaded: ASCII, a newline after each line, possibly empty."""
    lines = data_rows(media, params=params).map(lambda row: json.dumps(row) + "\n")
    return st.lists(lines, max_size=5).map(lambda texts: "".join(texts).encode("ascii"))


def result_files_v1(media: str | None = None) -> SearchStrategy[bytes]:
    """A whole file of an Export V1: a JSON array, possibly empty."""
    return st.lists(labels_v1(media), max_size=5).map(lambda labels: json.dumps(labels).encode("ascii"))


def payloads(name: str, *, presence: Mapping[str, bool] | None = None) -> SearchStrategy[Any]:
    """An example of any schema, by its name in `schemas.load`. `presence` says which optional keys are present."""
    if name not in schemas.names():
        raise ValueError(f"unknown schema {name!r}; the nearest known are {quote(nearest(name, schemas.names()))}")
    return _examples(name, dict(presence or {}))


@st.composite
def _examples(draw: DrawFn, name: str, presence: Mapping[str, bool], block: str | None = None) -> Any:
    generator = PayloadGenerator(draw, presence)
    return generator.payload(name) if block is None else generator.block(name, block)


def _name(version: str, media: str | None) -> str:
    if media is None:
        return version
    if media not in _media(version):
        raise ValueError(f"media is {media!r}; the nearest known are {quote(nearest(media, _media(version)))}")
    return f"{version}-{media}"


def _media(version: str) -> list[str]:
    """The media types of a version, from the names of its schemas."""
    known = [name.removeprefix(f"{version}-") for name in schemas.names() if name.startswith(f"{version}-")]
    return [word for word in known if word not in NO_MEDIA]


def _parse_params(params: Mapping[str, bool]) -> dict[str, bool]:
    for word in params:
        if word not in PARAMS:
            raise ValueError(f"unknown param {word!r}; the nearest known are {quote(nearest(word, PARAMS))}")
    return {PARAMS[word]: present for word, present in params.items()}
