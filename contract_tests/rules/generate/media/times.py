"""Bodies and files of a medium, for the rules of what has time or frames."""

from collections.abc import Iterator
from typing import Any

import msgspec
import orjson

from contract_tests.rules.worlds import DEFAULT
from mockserver.generate.features import Feature, Ontology, build_ontology
from mockserver.generate.media.generator import Variant, get_generator

ONTOLOGIES = {"video": "road-clips", "dicom": "body-scan", "audio": "sound-clips"}
VARIANTS = range(12)


def ontology_of(media: str) -> Ontology:
    key = ONTOLOGIES[media]
    return build_ontology(0, key, DEFAULT.ontologies[key])


class TimedSample(msgspec.Struct):
    variant: Variant
    document: Any
    attributes: dict[str, Any]
    masks: list[dict[str, Any]]
    planes: dict[str, Any]


def variants(media: str, ontology: Ontology | None = None) -> Iterator[TimedSample]:
    """The document's placeholders are gone."""
    for number in VARIANTS:
        variant = get_generator(media).build_variant(0, media, number, ontology or ontology_of(media))
        document = orjson.loads(variant.content.translate(None, b"\x01\x02\x03\x05"))
        aside = orjson.loads(variant.aside) if variant.aside else {}
        attributes = orjson.loads(variant.media_attributes)
        yield TimedSample(variant, document, attributes, aside.get("masks", []), aside.get("planes", {}))


def features_in(value: Any) -> Iterator[dict[str, Any]]:
    """Every object, classification and answer, however deep."""
    if isinstance(value, list):
        for item in value:
            yield from features_in(item)
    elif isinstance(value, dict):
        if "feature_schema_id" in value:
            yield value
        for item in value.values():
            yield from features_in(item)


def names_of(ontology: Ontology) -> set[tuple[str, str, str]]:
    """(schema id, name, value) of every tool, question and answer."""

    def walk(feature: Feature) -> Iterator[Feature]:
        yield feature
        for child in (*feature.questions, *feature.answers):
            yield from walk(child)

    every = (each for top in (*ontology.tools, *ontology.questions) for each in walk(top))
    return {(each.schema_id, each.name, each.value) for each in every}
