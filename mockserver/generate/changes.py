"""Annotations after the generated history: of a new label, or of a label that is changed."""

from __future__ import annotations

import re

import msgspec

from mockserver.generate.annotations import Annotator, encode_body
from mockserver.generate.assets import is_document, parse_recipe
from mockserver.generate.chance import Chance
from mockserver.generate.features import Ontology
from mockserver.generate.media.generator import EMPTY, Variant, find_generator
from mockserver.world.media import MediaType
from mockserver.world.records.data_rows import DataRow
from mockserver.world.records.labels import FEATURES, parse_body, render_body

_ORDINAL = re.compile(re.escape(FEATURES) + rb"([0-9a-z]{5})")


def annotate(row: DataRow, ontology: Ontology, *, seed: int) -> Variant:
    """The annotations of the row's file. The contents of a user's own file are unknown, so it has none."""
    if row.asset is not None and not is_document(row.asset):
        generator, project, number = parse_recipe(row.asset)
        return generator.build_variant(seed, project, number, _restrict(ontology, generator.media))
    known = find_generator(row.media_type)
    return Variant(row.media_attributes, EMPTY if known is None else known.empty_body)


def _restrict(ontology: Ontology, media: MediaType) -> Ontology:
    """The features that the generator of a media type knows: a client may have created others."""
    tools = tuple(tool for tool in ontology.tools if tool.kind in media.tools)
    questions = tuple(question for question in ontology.questions if question.kind in media.questions)
    return msgspec.structs.replace(ontology, tools=tools, questions=questions)


def answer_again(content: bytes, ontology: Ontology, chance: Chance) -> bytes:
    """Answers the questions of a body again; a body without questions loses an object."""
    document = parse_body(content)
    if ontology.questions:
        last = max((int(match[1], 36) for match in _ORDINAL.finditer(content)), default=0)
        answers = Annotator(chance, last=last).build_classifications(ontology.questions)
        document["classifications"] = parse_body(encode_body({"answers": answers}))["answers"]
    elif document.get("objects"):
        document["objects"].pop()
    return render_body(document)
