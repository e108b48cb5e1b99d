"""Annotations that come after the generated history: of a label made now, or of one that is changed."""

from __future__ import annotations

import re

from mockserver.generate.annotations import Annotator, encoded
from mockserver.generate.chance import Chance
from mockserver.generate.features import Ontology
from mockserver.generate.media.medium import EMPTY, Variant, medium_of, medium_of_type
from mockserver.world.data_rows import DataRow
from mockserver.world.labels import FEATURES, parsed, written

_ORDINAL = re.compile(re.escape(FEATURES) + rb"([0-9a-z]{5})")


def annotated(row: DataRow, ontology: Ontology, *, seed: int) -> Variant:
    """What is to be seen in the row's own file. Of a file that is not ours nothing is known, so nothing is drawn."""
    if row.asset is not None:
        media, rest = row.asset.split("/", 1)
        project, number = rest.rsplit("/", 1)
        return medium_of(media).variant(seed, project, int(number), ontology)
    medium = medium_of_type(row.media_type)
    return Variant(row.media_attributes, EMPTY if medium is None else medium.empty)


def answered_again(content: bytes, ontology: Ontology, chance: Chance) -> bytes:
    """The same body with its questions answered anew; without questions it has one object less."""
    document = parsed(content)
    if ontology.questions:
        last = max((int(found[1], 36) for found in _ORDINAL.finditer(content)), default=0)
        answers = Annotator(chance, last=last).classifications(ontology.questions)
        document["classifications"] = parsed(encoded({"answers": answers}))["answers"]
    elif document.get("objects"):
        document["objects"].pop()
    return written(document)
