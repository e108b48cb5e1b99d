"""The blocks of docs/from-v1-to-v2.md: the same label in both formats, as the default world has it.

`python -m contract_tests.rules.exports.legacy.migration` writes them anew.
"""

import json
import re
import tempfile
from pathlib import Path
from typing import Any

from contract_tests.rules.exports.legacy.elements import elements
from contract_tests.rules.exports.rows import HOST, read
from contract_tests.rules.worlds import build_database, open_store
from mockserver.exports.legacy.dates import load_legacy_format
from mockserver.exports.legacy.frames import render_frame_lines
from mockserver.exports.legacy.schema_facts import SchemaFacts, build_schema_facts
from mockserver.world.clause import Clause
from mockserver.world.records.labels import Body, Label
from mockserver.world.records.projects import Ontology, Project
from mockserver.world.store import Store

PAGE = Path(__file__).parents[4] / "docs" / "from-v1-to-v2.md"
BLOCK = re.compile(r"(<!-- (\w+) in (V1|V2|frames) -->\n```json\n).*?(```\n)", re.DOTALL)
PRINTED = "http://127.0.0.1:8000"
WIDTH = 170


def fill_blocks(page: str, store: Store) -> str:
    """The page with every block as it is today."""
    return BLOCK.sub(lambda match: f"{match[1]}{block(store, match[2], match[3])}\n{match[4]}", page)


def block(store: Store, project: str, form: str) -> str:
    with store.reading() as connection:
        labels = [element for element in elements(connection, project) if not element["Skipped"]]
    label = min(labels, key=lambda element: len(json.dumps(element["Label"])))
    if form == "V1":
        return format_json(label)
    if form == "frames":
        lines = frames_of(store, label["ID"]).splitlines()[:2]
        return "\n".join(format_json(json.loads(line)) for line in lines)
    return format_json(next(row for row in read(store, project) if label["ID"] in json.dumps(row)))


def frames_of(store: Store, label_id: str) -> bytes:
    """The lines behind a label's URL."""
    with store.reading() as connection:
        [label] = connection.select(Label, Clause("id = :id", id=label_id))
        [body] = connection.select(Body, Clause("id = :id", id=label.body_id))
        [project] = connection.select(Project, Clause("id = :id", id=label.project_id))
        ontologies = connection.select(Ontology, Clause("id = :id", id=project.ontology_id))
        terms = build_schema_facts(ontologies, scoped=load_legacy_format(connection).has("workflow"))
    mask = f"{HOST}/masks/feature/{{}}?token=x&frame={{}}"
    return b"".join(render_frame_lines(body.content, prefix=label.feature_prefix, terms=terms, mask=mask))


def lines_of_body(content: bytes) -> bytes:
    """The lines of a body that belongs to no label."""
    return b"".join(render_frame_lines(content, prefix="cprefix0000000000000", terms=SchemaFacts()))


def format_json(value: Any) -> str:
    """Formats a value as JSON for readers: short values are on one line, signatures and long lists are cut."""
    return laid_out(shorten(value), 0)


def shorten(value: Any) -> Any:
    """Two of each list and of the frames, and no signatures."""
    if isinstance(value, dict):
        frames = bool(value) and all(key.isdigit() for key in value)
        items = [*value.items()][: 2 if frames else None]
        return {key: shorten(inner) for key, inner in items} | ({"…": "…"} if len(items) < len(value) else {})
    if isinstance(value, list):
        return [shorten(inner) for inner in value[:2]] + ["…"] * (len(value) > 2)
    if isinstance(value, str) and value.startswith(HOST):
        return re.sub(r"(Signature|token)=[^&]*", r"\1=…", value.replace(HOST, PRINTED))
    return value


def laid_out(value: Any, indent: int) -> str:
    flat = json.dumps(value, ensure_ascii=False)
    if len(flat) + indent <= WIDTH or not isinstance(value, (dict, list)) or not value:
        return flat
    inside = "  " * (indent // 2 + 1)
    if isinstance(value, list):
        items = [laid_out(inner, indent + 2) for inner in value]
        return "[\n" + ",\n".join(f"{inside}{item}" for item in items) + f"\n{inside[2:]}]"
    pairs = [f"{json.dumps(key)}: {laid_out(inner, indent + 2)}" for key, inner in value.items()]
    return "{\n" + ",\n".join(f"{inside}{pair}" for pair in pairs) + f"\n{inside[2:]}}}"


def main() -> None:
    with tempfile.TemporaryDirectory() as folder, open_store(build_database(Path(folder))) as store:
        PAGE.write_text(fill_blocks(PAGE.read_text("utf-8"), store), "utf-8")


if __name__ == "__main__":
    main()
