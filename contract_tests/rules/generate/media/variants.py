"""Samples of what each media type of the packaged scenarios generates, with the placeholders of the bodies removed."""

from collections.abc import Iterator
from typing import Any, NamedTuple

import orjson

from mockserver.generate import features
from mockserver.generate.media.generator import Asset, get_generator
from mockserver.generate.scenario import load
from mockserver.generate.scenario_files import find


class Sample(NamedTuple):
    """One variant: its number, media attributes, annotations, aside, and the file behind it."""

    number: int
    attributes: dict[str, Any]
    body: dict[str, Any]
    aside: dict[str, Any]
    asset: Asset


def build_samples(media: str, *, scenario: str = "default", seed: int = 3, count: int = 25) -> Iterator[Sample]:
    """Many variants of a media type, by the ontology that the scenario has for it."""
    generator = get_generator(media)
    ontology = ontology_of(media, scenario=scenario)
    for number in range(count):
        variant = generator.build_variant(seed, "p", number, ontology)
        content = variant.content.translate(None, b"\x01\x02\x03\x05")
        yield Sample(
            number,
            orjson.loads(variant.media_attributes),
            orjson.loads(content),
            orjson.loads(variant.aside or "{}"),
            generator.build_asset(seed, "p", number),
        )


def ontology_of(media: str, *, scenario: str = "default") -> features.Ontology:
    plans = load(find(scenario)).ontologies.items()
    [(key, plan)] = [(key, plan) for key, plan in plans if plan.media == media]
    return features.build_ontology(0, key, plan)


def answer_keys(body: dict[str, Any]) -> set[str]:
    """Keys under which the top classifications are answered."""
    known = {"feature_id", "feature_schema_id", "name", "value", "message_id"}
    return {key for item in body["classifications"] for key in item if key not in known}


def depth(classifications: list[Any]) -> int:
    """How many levels of questions there are."""
    deepest = 0
    for item in classifications:
        answers = [item[key] for key in item if key.endswith("radio_answer")]
        answers += [answer for key in item if key.endswith("checklist_answers") for answer in item[key]]
        deepest = max([deepest, 1, *(1 + depth(answer["classifications"]) for answer in answers)])
    return deepest
