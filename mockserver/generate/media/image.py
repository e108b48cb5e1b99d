"""Pictures: a scene of coloured things, drawn as PNG and annotated from the same shapes."""

from __future__ import annotations

import math
from typing import Any

import msgspec

from mockserver.generate.annotations import Annotator, build_composite_mask_url, encode_body
from mockserver.generate.chance import Chance
from mockserver.generate.features import Feature, Ontology
from mockserver.generate.files.raster import Canvas, Colour
from mockserver.generate.media.generator import Asset, MediaGenerator, Variant
from mockserver.world.record import JsonText, encode_json

SIZES = ((640, 480), (800, 600), (1024, 768), (1280, 720), (720, 1280), (512, 512))
CORNERS = 16
# Six decimals: the last bits of a sine differ between machines, and worlds may not.
DIRECTIONS = tuple(
    (round(math.cos(2 * math.pi * index / CORNERS), 6), round(math.sin(2 * math.pi * index / CORNERS), 6))
    for index in range(CORNERS)
)

Point = tuple[float, float]


class Thing(msgspec.Struct, frozen=True):
    """Something in a picture: its outline (pixels, open ring) and its colour."""

    centre: Point
    outline: tuple[Point, ...]
    colour: tuple[int, int, int]

    @property
    def box(self) -> tuple[float, float, float, float]:
        """(top, left, height, width), the order that converters unpack (payloads.md §10)."""
        top, left, height, width = build_bounding_box(self.outline).values()
        return top, left, height, width


class Scene(msgspec.Struct, frozen=True):
    width: int
    height: int
    ground: tuple[int, int, int]
    things: tuple[Thing, ...]


def build_scene(seed: int, project: str, number: int) -> Scene:
    """Picture `number` of a project: five to nine things on a plain ground."""
    chance = Chance(seed, "image", project, number)
    width, height = chance.choice(SIZES)
    ground = (chance.randint(170, 235), chance.randint(170, 235), chance.randint(170, 235))
    things = tuple(draw_thing(chance, width, height) for _ in range(chance.randint(5, 9)))
    return Scene(width, height, ground, things)


def draw_thing(chance: Chance, width: int, height: int) -> Thing:
    """Something of chance that lies wholly within so many pixels."""
    across = min(width, height)
    radius = chance.randint(across // 20, across // 7)
    x, y = chance.randint(radius, width - 1 - radius), chance.randint(radius, height - 1 - radius)
    outline = []
    for cosine, sine in DIRECTIONS:
        reach = radius * chance.randint(65, 100) / 100
        outline.append((round(x + cosine * reach, 2), round(y + sine * reach, 2)))
    colour = (chance.randint(20, 200), chance.randint(20, 200), chance.randint(20, 200))
    return Thing((float(x), float(y)), tuple(outline), colour)


class Image(MediaGenerator):
    def build_variant(self, seed: int, project: str, number: int, ontology: Ontology) -> Variant:
        """The scene's annotations: every tool in turn takes one thing."""
        picture = build_scene(seed, project, number)
        annotator = Annotator(Chance(seed, "image", project, number, "annotations"))
        masks: list[dict[str, Any]] = []
        objects = []
        for index, thing in enumerate(picture.things):
            if ontology.drawn:
                tool = ontology.drawn[(number + index) % len(ontology.drawn)]
                objects.append(_build_object(annotator, tool, thing, masks))
        annotations = {
            "objects": objects,
            "classifications": annotator.build_classifications(ontology.questions),
            "relationships": annotator.build_relationships(ontology.edges, "ImageUnidirectionalRelationship", objects),
        }
        return Variant(_render_attributes(picture), encode_body(annotations), render_aside(masks))

    def build_asset(self, seed: int, project: str, number: int) -> Asset:
        return Asset("image/png", draw(build_scene(seed, project, number)))


def render_aside(masks: list[dict[str, Any]]) -> JsonText | None:
    """The contents of the composite mask, as a body keeps them."""
    return encode_json({"masks": masks}) if masks else None


def _render_attributes(picture: Scene) -> JsonText:
    """Order and keys of the newest sample (exporting_to_CSV notebook of 2024-06)."""
    attributes = {
        "height": picture.height,
        "width": picture.width,
        "asset_type": "image",
        "mime_type": "image/png",
        "exif_rotation": 1,
    }
    return encode_json(attributes)


def _build_object(annotator: Annotator, tool: Feature, thing: Thing, masks: list[dict[str, Any]]) -> dict[str, Any]:
    match tool.kind:
        case "rectangle":
            return annotator.build_object(tool, "ImageBoundingBox", bounding_box=build_bounding_box(thing.outline))
        case "polygon":
            ring = build_points((*thing.outline, thing.outline[0]))  # V2 repeats the closing point (live-tested)
            return annotator.build_object(tool, "ImagePolygon", polygon=ring)
        case "line":
            return annotator.build_object(tool, "ImagePolyline", line=build_points(thing.outline[: CORNERS // 2]))
        case "point":
            return annotator.build_object(tool, "ImagePoint", point=build_points([thing.centre])[0])
        case "raster-segmentation":
            return _build_mask(annotator, tool, thing, masks)
    raise AssertionError(f"the scenario lets no tool {tool.kind!r} into an image ontology")


def _build_mask(annotator: Annotator, tool: Feature, thing: Thing, masks: list[dict[str, Any]]) -> dict[str, Any]:
    """Every mask of a label has its own colour in the composite picture."""
    colour = get_mask_colour(len(masks) + 1)
    mask = {"url": build_composite_mask_url(), "color_rgb": colour}
    annotation = annotator.build_object(tool, "ImageSegmentationMask", composite_mask=mask)
    masks.append({"color_rgb": colour, "polygons": [thing.outline]})
    return annotation


def get_mask_colour(number: int) -> list[int]:
    """The colour of a label's mask; the 1st to the 255th each have one of their own."""
    return [number * 67 % 256, number * 131 % 256, number * 199 % 256]


def build_bounding_box(outline: tuple[Point, ...]) -> dict[str, float]:
    """Top, left, height, width in pixels: in the order that converters unpack (payloads.md §10)."""
    xs, ys = [x for x, _ in outline], [y for _, y in outline]
    left, top = min(xs), min(ys)
    return {"top": top, "left": left, "height": round(max(ys) - top, 2), "width": round(max(xs) - left, 2)}


def build_points(outline: Any) -> list[dict[str, float]]:
    """`[{"x": …, "y": …}, …]` in pixels."""
    return [{"x": x, "y": y} for x, y in outline]


def draw(picture: Scene) -> bytes:
    """The scene as a PNG."""
    canvas = Canvas(picture.width, picture.height, picture.ground)
    for thing in picture.things:
        canvas.fill_polygon(thing.outline, thing.colour)
    return canvas.png_rgb()


def draw_masks(width: int, height: int, masks: list[dict[str, Any]]) -> bytes:
    """A label's composite mask: black, and each mask in its `color_rgb`."""
    canvas = Canvas(width, height, (0, 0, 0))
    for mask in masks:
        red, green, blue = mask["color_rgb"]
        draw_mask(canvas, mask, (red, green, blue))
    return canvas.png_truecolour()


def draw_mask(canvas: Canvas, mask: dict[str, Any], colour: Colour) -> None:
    """The pixels of one mask of a body's `aside` (world/records/labels.py)."""
    for polygon in mask["polygons"]:
        canvas.fill_polygon([(x, y) for x, y in polygon], colour)
    canvas.fill_spans(mask.get("spans", ()), colour)
