"""The parts of every organization: people, roles, the editor, the reserved metadata schemas, the built-in embedding."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from mockserver.generate.chance import Chance
from mockserver.generate.plans import Scenario, TagPlan
from mockserver.generate.words import load_table
from mockserver.world import ids
from mockserver.world.clock import DAY, SECOND
from mockserver.world.record import Record
from mockserver.world.records.data_rows import BUILT_IN_EMBEDDING, Embedding, MetadataSchema
from mockserver.world.records.people import Organization, Person, Role
from mockserver.world.records.projects import LabelingFrontend, ResourceTag

FOUNDED = 400 * DAY
"""Before the end of the history."""

ROLES = ("None", "Labeler", "Reviewer", "Team Manager", "Admin", "Tenant Admin")
"""The SDK upper-cases names and needs NONE (client.get_roles); the rest are the roles of the service's UI."""

RESERVED_METADATA = (
    ("captureDateTime", "cko8sdzv70006h2dk8jg64zvb", "CustomMetadataDateTime", ()),
    ("tag", "cko8s9r5v0001h2dk9elqdidh", "CustomMetadataString", ()),
    (
        "split",
        "cko8sbczn0002h2dkdaxb5kal",
        "CustomMetadataEnum",
        (
            ("train", "cko8sbscr0003h2dk04w86hof"),
            ("valid", "cko8sc2yr0004h2dk69aj5x63"),
            ("test", "cko8scbz70005h2dkastwhgqt"),
        ),
    ),
)
"""Reserved schemas have the same ids in every organization (SDK tests test_data_row_metadata.py)."""


class CustomField(msgspec.Struct, frozen=True):
    """A metadata field that data rows have values in."""

    schema_id: str
    name: str
    kind: str
    options: dict[str, str] = {}
    """Name -> id of the options of an enum."""


class Organized(msgspec.Struct, frozen=True):
    """The organization, and the records that later parts of the world refer to."""

    organization: Organization
    people: list[Person]
    frontend: LabelingFrontend
    fields: list[CustomField]
    tags: dict[str, str]
    """Text -> id."""
    records: list[Record]


def organize(scenario: Scenario, seed: int, end: int) -> Organized:
    """Builds the organization of a scenario."""
    founded = end - FOUNDED
    organization = Organization(ids.cuid(founded, seed, "organization"), scenario.organization, founded, founded)
    roles = [Role(ids.cuid(founded, seed, "role", name), index, name) for index, name in enumerate(ROLES)]
    people = [_build_person(seed, index, roles, founded) for index in range(scenario.people)]
    frontend = LabelingFrontend(
        ids.cuid(founded, seed, "frontend"), "Editor", "Labelbox Editor", "https://editor.labelbox.com"
    )
    schemas = [*_list_reserved_schemas(), *_build_own_schemas(scenario, seed, founded)]
    # Its name and size: SDK tests test_export_embeddings_streamable.py.
    embedding = Embedding(BUILT_IN_EMBEDDING, "Image Embedding V2 (CLIP ViT-B/32)", 512, is_custom=False)
    tags = [_build_tag(plan, place, seed, end, people[0]) for place, plan in enumerate(scenario.tags)]
    records = [organization, *roles, *people, frontend, *schemas, embedding, *tags]
    return Organized(organization, people, frontend, list_fields(schemas), {tag.text: tag.id for tag in tags}, records)


def _build_person(seed: int, index: int, roles: list[Role], founded: int) -> Person:
    """The first is the owner of the API key, an admin; the others label and review."""
    chance = Chance(seed, "person", index)
    name = load_table("people")[(chance.randbelow(len(load_table("people"))) + index) % len(load_table("people"))]
    role = roles[ROLES.index("Admin")] if index == 0 else roles[1 + index % 2]
    email = "owner@mock.example" if index == 0 else f"person-{index}@mock.example"
    created = founded + index * DAY
    return Person(
        id=ids.cuid(created, seed, "person", index), email=email, name=name, nickname=name.split()[0],
        picture=f"https://example.com/pictures/person-{index}.png", is_viewer=False, is_external_user=False,
        timezone="UTC", role_id=role.id, created_at=created, updated_at=created,
    )  # fmt: skip


TAGGED = 60 * DAY
"""Before the end of the history."""


def _build_tag(plan: TagPlan, place: int, seed: int, end: int, owner: Person) -> ResourceTag:
    """Tags are created one second after the other, so that lists have the scenario's order."""
    created = end - TAGGED + place * SECOND + Chance(seed, "tag", plan.text).randbelow(1000) * 1000
    return ResourceTag(ids.cuid(created, seed, "tag", plan.text), plan.text, plan.color, owner.id, created, created)


def _list_reserved_schemas() -> list[MetadataSchema]:
    schemas = []
    for position, (name, schema_id, kind, options) in enumerate(RESERVED_METADATA):
        schemas.append(MetadataSchema(schema_id, position, None, name, kind, reserved=True))
        for index, (option, option_id) in enumerate(options):
            kind_of_option = "CustomMetadataEnumOption"
            schemas.append(MetadataSchema(option_id, index, schema_id, option, kind_of_option, reserved=True))
    return schemas


KINDS = {
    "string": "CustomMetadataString",
    "number": "CustomMetadataNumber",
    "datetime": "CustomMetadataDateTime",
    "enum": "CustomMetadataEnum",
}
"""A scenario's word -> the service's (SDK data_row_metadata.py DataRowMetadataKind)."""


def _build_own_schemas(scenario: Scenario, seed: int, founded: int) -> Iterator[MetadataSchema]:
    for position, plan in enumerate(scenario.metadata, len(RESERVED_METADATA)):
        path = (founded, seed, "metadata", plan.name)
        yield MetadataSchema(ids.cuid(*path), position, None, plan.name, KINDS[plan.kind], reserved=False)
        for index, option in enumerate(plan.options):
            kind = "CustomMetadataEnumOption"
            yield MetadataSchema(ids.cuid(*path, option), index, ids.cuid(*path), option, kind, reserved=False)


def list_fields(schemas: list[MetadataSchema]) -> list[CustomField]:
    """The schemas without a parent, each with its options."""
    return [
        CustomField(
            schema.id,
            schema.name,
            schema.kind,
            {option.name: option.id for option in schemas if option.parent_id == schema.id},
        )
        for schema in schemas
        if schema.parent_id is None
    ]
