"""Right arguments of mutations of ontologies, and of the requests of REST."""

import json

from contract_tests.rules.api.writes.building import Arguments, Build
from contract_tests.rules.api.writes.populated import ONTOLOGY, Populated

POINT = {"tool": "point", "name": "Point", "color": "#ff0000", "required": False}

ONTOLOGIES: dict[str, Build] = {
    "upsertOntology": lambda w: {"data": {"name": "new", "normalized": json.dumps(ONTOLOGY), "mediaType": "IMAGE"}},
    "upsertRootSchemaNode": lambda w: {"data": {"normalized": json.dumps(POINT)}},
}
FEATURE, NODE = "/api/v1/feature-schemas/{feature}", "/api/v1/ontologies/{ontology}/feature-schemas/{feature}"
EMBEDDINGS = "/adv/adv/v1/embeddings"


def name_node(world: Populated) -> Arguments:
    return {"ontology": world["ontology"], "feature": world["feature"]}


REST: dict[str, Build] = {
    "DELETE /api/v1/ontologies/{ontology}": lambda w: {"ontology": w["unused_ontology"]},
    f"POST {NODE}": lambda w: {"ontology": w["ontology"], "feature": w.create_feature(), "body": {"position": 0}},
    f"DELETE {NODE}": name_node,
    f"PATCH {NODE}/unarchive": lambda w: name_node(w) | {"body": {}},
    f"PUT {FEATURE}": lambda w: {"feature": w["feature"], "body": {"normalized": json.dumps(POINT)}},
    f"DELETE {FEATURE}": lambda w: {"feature": w.create_feature()},
    f"PATCH {FEATURE}/definition": lambda w: {"feature": w["feature"], "body": {"title": "new"}},
    f"POST {EMBEDDINGS}": lambda w: {"body": {"name": "new", "dims": 3}},
    f"DELETE {EMBEDDINGS}/{{embedding}}": lambda w: {"embedding": w["embedding"]},
    f"PUT {EMBEDDINGS}/{{embedding}}/_import_ndjson": lambda w: {
        "embedding": w["embedding"], "body": {"id": w["row"], "vector": [0.5, 1]}
    },
}  # fmt: skip
"""Requests of REST by their routes: the parameters of the path, and the body."""
