"""The media types: one table with every fact about them that more than one module needs.

A new media type is a row of `MEDIA`, a generator in `generate/media/`, and its ontology in a scenario. All lists of
media types elsewhere are derived from this table.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

import msgspec

ORDINARY_QUESTIONS = frozenset({"radio", "checklist", "text"})
PROMPT_RESPONSE_QUESTIONS = frozenset({"prompt", "response-radio", "response-checklist", "response-text"})
"""SDK tool_building/classification.py PromptResponseClassification.Type."""
DEFAULT_KIND = "Default"
PIXEL_TOOLS = frozenset({"rectangle", "polygon", "line", "point"})

LegacyAttributes = Literal["as_v2", "of_file", "empty"]
"""What the `Media Attributes` of Export V1 say: what V2 says; what the file says (observed 2023-02); nothing (tests of
SDK 3.42 and 3.52, samples of 2021)."""
AnnotationShape = Literal["pixels", "degrees", "text", "pages", "messages", "clip", "volume", "sound", "answers"]
"""Where annotations of a data row are: which geometries can be imported, and how they are kept."""
LegacyRelationships = Literal["text", "ends", "labelled"]
"""How Export V1 writes relationships: as texts do, with a blank label and a mask URL; with their ends alone, as
pictures do; or with their ends and a label, as conversations do (docs/reference/relationship)."""


class MediaType(msgspec.Struct, frozen=True, kw_only=True, eq=False):
    """One row of the table. Several may have the same `wire` word; then they agree about its data rows."""

    name: str
    """The word of scenarios, of `--media` and of fixtures."""
    wire: str
    """The word of the GraphQL enum `MediaType`: of its projects, ontologies and data rows."""
    generator: str
    """`module:class` in `generate/media/`. The module is imported when it is needed."""
    extension: str
    """The extension of external ids, which look like file names."""
    tools: frozenset[str] = frozenset()
    """The tools that its ontologies may have."""
    questions: frozenset[str] = ORDINARY_QUESTIONS
    """The types of questions that its ontologies may have."""
    editor_task_type: str | None = None
    """The `editorTaskType` of its projects."""
    plan_keys: frozenset[str] = frozenset()
    """The keys of a scenario's project that only this media type knows."""
    attachments: dict[str, str] = {}
    """Kinds of attachments (SDK asset_attachment.py) that are files of this media type -> the name of such a file."""
    label_kind: str = DEFAULT_KIND
    """The `label_kind` of Export V2 (SDK tests)."""
    shape: AnnotationShape = "answers"
    framed: bool = False
    """Its annotations are in frames. Export V1 has them behind the frames URL."""
    tiled: bool = False
    """A data row's file is a JSON that says where its tiles are."""
    drawn_as: str = "file"
    """How the page for people shows a data row (console/drawing.py)."""
    text_layer: bool = False
    """A data row has a text layer, whose tokens entities name."""
    mime_types: dict[str, str] = {}
    """Extensions of imported files of this media type -> their MIME types; the first is that of a file without a known
    extension."""
    measures: tuple[str, ...] = ()
    """The media attributes that only the file itself could tell; imported rows have those of imports/media.py."""
    contents: str | None = None
    """The contents of its data rows, as a refusal of others names them (SDK tests test_data_rows.py:
    test_create_data_row_with_media_type; other words than those of pictures are inferred)."""
    never_text: bool = False
    """Its data rows are files, and no text that is sent as it is."""
    generates_rows: bool = False
    """Its projects generate their data rows (SDK project.py 5.2.1 `is_auto_data_generation`)."""
    legacy_masks: bool = False
    """Its objects have an `instanceURI` in Export V1; tiles, conversations and frames have none (samples)."""
    legacy_attributes: LegacyAttributes = "as_v2"
    legacy_relationships: LegacyRelationships = "labelled"
    """Inferred for all but pictures, texts and conversations."""


MEDIA = (
    MediaType(
        name="image", drawn_as="picture", wire="IMAGE", generator="image:Image", extension="png", shape="pixels",
        contents="image/*", never_text=True,
        tools=PIXEL_TOOLS | {"raster-segmentation", "edge"},
        attachments={"IMAGE": "photo", "IMAGE_OVERLAY": "overlay"},
        mime_types={
            "jpg": "image/jpeg", "jpeg": "image/jpeg", "png": "image/png", "webp": "image/webp", "bmp": "image/bmp",
            "gif": "image/gif", "tif": "image/tiff", "tiff": "image/tiff",
        },
        measures=("height", "width", "exif_rotation"),
        legacy_masks=True, legacy_attributes="empty", legacy_relationships="ends",
    ),
    MediaType(
        name="video", drawn_as="clip", wire="VIDEO", generator="video:Video", extension="mp4", shape="clip",
        contents="video/*", never_text=True,
        tools=frozenset({"rectangle", "line", "point", "raster-segmentation"}),
        plan_keys=frozenset({"frames", "from_first_frame"}), attachments={"VIDEO": "clip"},
        mime_types={
            "mp4": "video/mp4", "mov": "video/quicktime", "m4v": "video/x-m4v", "webm": "video/webm",
            "mkv": "video/x-matroska", "avi": "video/x-msvideo",
        },
        measures=("height", "width", "frame_rate", "frame_count"),
        label_kind="Video", framed=True, legacy_attributes="of_file",
    ),
    MediaType(
        name="dicom", drawn_as="volume", wire="DICOM", generator="dicom:Dicom", extension="dcm", shape="volume",
        tools=frozenset({"line", "raster-segmentation"}), framed=True,
        mime_types={"dcm": "application/dicom"}, measures=("height", "width"),
    ),
    MediaType(
        name="audio", drawn_as="sound", wire="AUDIO", generator="audio:Audio", extension="wav", shape="sound",
        contents="audio/*", never_text=True,
        attachments={"AUDIO": "recording"},
        mime_types={
            "mp3": "audio/mpeg", "wav": "audio/wav", "m4a": "audio/mp4", "flac": "audio/flac", "ogg": "audio/ogg",
            "aac": "audio/aac",
        },
    ),
    MediaType(
        name="html", drawn_as="page", wire="HTML",
        generator="html:Html", extension="html", attachments={"HTML": "page"}, contents="text/html",
        mime_types={"html": "text/html", "htm": "text/html"},
    ),
    MediaType(
        name="text", drawn_as="text", wire="TEXT", generator="text:Text", extension="txt", shape="text",
        contents="text/*",
        tools=frozenset({"named-entity", "edge"}),
        plan_keys=frozenset({"inline"}), attachments={"TEXT_URL": "description"},
        mime_types={"txt": "text/plain", "md": "text/markdown", "csv": "text/csv"},
        legacy_masks=True, legacy_attributes="empty", legacy_relationships="text",
    ),
    MediaType(
        name="document", drawn_as="pages", wire="PDF", generator="document:Document", extension="pdf", shape="pages",
        contents="application/pdf", never_text=True,
        tools=frozenset({"rectangle", "named-entity", "edge"}),
        attachments={"PDF_URL": "report"}, mime_types={"pdf": "application/pdf"}, text_layer=True, legacy_masks=True,
    ),
    MediaType(
        name="conversational", drawn_as="conversation", wire="CONVERSATIONAL",
        generator="conversational:Conversational", extension="json", contents="application/json",
        shape="messages",
        mime_types={"json": "application/json"},
        tools=frozenset({"named-entity", "edge"}),
    ),
    MediaType(
        name="chat", drawn_as="conversation", wire="CONVERSATIONAL", generator="chat:ChatEvaluation", extension="json",
        shape="messages",
        tools=frozenset({"message-single-selection", "message-multi-selection", "message-ranking"}),
        editor_task_type="MODEL_CHAT_EVALUATION", generates_rows=True,
    ),
    MediaType(
        name="geospatial", drawn_as="map", wire="TMS_GEO",
        generator="geospatial:Geospatial", extension="json", shape="degrees", contents="application/json",
        tools=PIXEL_TOOLS, tiled=True,
    ),
    MediaType(
        name="tiles", drawn_as="map", wire="TMS_SIMPLE", generator="geospatial:Tiles", extension="json", shape="pixels",
        contents="application/json",
        tools=PIXEL_TOOLS, tiled=True,
    ),
    MediaType(
        name="llm", wire="LLM_PROMPT_RESPONSE_CREATION", generator="llm:PromptsAndResponses", extension="txt",
        questions=PROMPT_RESPONSE_QUESTIONS, generates_rows=True,
    ),
    MediaType(
        name="llm-prompt", wire="LLM_PROMPT_CREATION", generator="llm:PromptsAndResponses", extension="txt",
        questions=frozenset({"prompt"}), generates_rows=True,
    ),
    # The prompt is the row's text (SDK client.create_response_creation_project).
    MediaType(
        name="llm-response", drawn_as="text", wire="TEXT", generator="llm:Responses", extension="txt", shape="text",
        questions=PROMPT_RESPONSE_QUESTIONS - {"prompt"}, editor_task_type="RESPONSE_CREATION",
        legacy_masks=True, legacy_attributes="empty", legacy_relationships="text",
    ),
)  # fmt: skip
"""The first row of a wire word generates new labels of such data rows; attachments are generated in the order of the
rows: a row that is put before others changes every generated world."""

ATTACHMENT_TYPES = frozenset(
    {
        "AUDIO", "VIDEO", "IMAGE", "TEXT", "IMAGE_OVERLAY", "HTML", "RAW_TEXT", "TEXT_URL", "PDF_URL", "CAMERA_IMAGE",
    }
)  # fmt: skip
"""Kinds of attachments that clients may add (SDK asset_attachment.py, all versions)."""
BY_EXTENSION = {extension: media for media in MEDIA for extension in media.mime_types}
BY_NAME = {media.name: media for media in MEDIA}


def _wire_words(fits: Callable[[MediaType], bool]) -> frozenset[str]:
    return frozenset(media.wire for media in MEDIA if fits(media))


FRAMED = _wire_words(lambda media: media.framed)
TILED = _wire_words(lambda media: media.tiled)
WITH_TEXT_LAYER = _wire_words(lambda media: media.text_layer)
WITH_LEGACY_MASKS = _wire_words(lambda media: media.legacy_masks)
WITHOUT_LEGACY_ATTRIBUTES = _wire_words(lambda media: media.legacy_attributes == "empty")
WITH_LEGACY_ATTRIBUTES_OF_FILE = _wire_words(lambda media: media.legacy_attributes == "of_file")
LABEL_KINDS = {media.wire: media.label_kind for media in MEDIA if media.label_kind != DEFAULT_KIND}
SHAPES: dict[str, AnnotationShape] = {media.wire: media.shape for media in MEDIA}
LEGACY_RELATIONSHIPS = {media.wire: media.legacy_relationships for media in MEDIA}
CONTENTS = {media.wire: media.contents for media in MEDIA if media.contents is not None}
NEVER_TEXTS = _wire_words(lambda media: media.never_text)
GENERATING_MEDIA = _wire_words(lambda media: media.generates_rows and media.editor_task_type is None)
"""These all go by the wire word."""
LIVE_CHAT = next(media.editor_task_type for media in MEDIA if media.generates_rows and media.editor_task_type)
"""The editor of projects whose chats are held while they are judged."""
FRAMED_NAMES = [media.name for media in MEDIA if media.framed]

OTHER_DOCUMENT = "JSON"
"""The media type of a document of an unknown kind (SDK media_type.py)."""
IMPORTED_TYPES = frozenset({media.wire for media in MEDIA} | {OTHER_DOCUMENT, "POINT_CLOUD", "LLM"})
"""The media types that a client may give to a data row."""
