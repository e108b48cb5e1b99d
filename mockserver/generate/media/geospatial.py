"""Maps and tiled pictures: a ground of coloured things, served tile by tile and annotated from the same shapes.

Everything is laid out in pixels of the deepest zoom, in whole numbers or hundredths. `geospatial` says it in degrees
of longitude and latitude (EPSG 4326 on the tiles of EPSG 3857), `tiles` in pixels of zoom 0, as Leaflet reports them
(sample: tiled_image_export.json of labelbox-python has one of each).
"""

from __future__ import annotations

import math
from abc import abstractmethod
from typing import Any, ClassVar

import msgspec
import orjson

from mockserver.generate.annotations import Annotator, encode_body
from mockserver.generate.chance import Chance
from mockserver.generate.features import Feature, Ontology
from mockserver.generate.files.raster import Canvas
from mockserver.generate.media.generator import TILES, Asset, MediaGenerator, Variant
from mockserver.generate.media.image import CORNERS, Point, Thing, build_points, draw_thing
from mockserver.world.record import encode_json

TILE = 256
"""Pixels along each side of a tile."""
SIZES = ((4096, 3072), (3072, 4096), (2048, 2048), (5120, 2560))
HOME_ZOOM, DEEPEST_MAP = 14, 19
"""A map lies in one tile of the first and can be looked at down to the second."""
SOUTHERNMOST, NORTHERNMOST = 11_632, 4_752
"""Rows of tiles at HOME_ZOOM, at some 60 degrees on either side of the equator."""
DEEPEST_PICTURE = 5


class Ground(msgspec.Struct, frozen=True):
    """A map's contents; `left` and `top` are its corner in the pixels of `deepest`."""

    left: int
    top: int
    width: int
    height: int
    colour: tuple[int, int, int]
    things: tuple[Thing, ...]
    highest: int
    deepest: int


class Tiled(MediaGenerator):
    """Data rows whose file is a small JSON with the address of the tiles."""

    epsg: ClassVar[str]

    @abstractmethod
    def build_ground(self, seed: int, project: str, number: int) -> Ground:
        """Ground `number` of a project."""

    @abstractmethod
    def render_layer(self, ground: Ground) -> dict[str, Any]:
        """The part of the row's file that depends on the kind of map."""

    @abstractmethod
    def build_object(self, annotator: Annotator, tool: Feature, ground: Ground, seen: Thing) -> dict[str, Any]:
        """One thing, annotated with one tool."""

    def build_variant(self, seed: int, project: str, number: int, ontology: Ontology) -> Variant:
        """The ground's annotations: every tool in turn takes one thing."""
        ground = self.build_ground(seed, project, number)
        annotator = Annotator(Chance(seed, self.media.name, project, number, "annotations"))
        tools = ontology.tools
        objects = [
            self.build_object(annotator, tools[(number + index) % len(tools)], ground, seen)
            for index, seen in enumerate(ground.things if tools else ())
        ]
        annotations = {
            "objects": objects,
            "classifications": annotator.build_classifications(ontology.questions),
            "relationships": [],
        }
        # Nothing is known of these attributes; the type follows the rule of "image" and "text" (inferred).
        attributes = {"asset_type": self.media.wire.lower(), "mime_type": "application/json"}
        return Variant(encode_json(attributes), encode_body(annotations))

    def build_asset(self, seed: int, project: str, number: int) -> Asset:
        ground = self.build_ground(seed, project, number)
        said = {
            "tileLayerUrl": orjson.Fragment(b'"' + TILES + b'"'),
            "minZoom": ground.highest,
            "maxZoom": ground.deepest,
            **self.render_layer(ground),
            "tileSize": TILE,
            "epsg": self.epsg,
        }
        return Asset("application/json", orjson.dumps(said), tiled=True)

    def build_tile(self, seed: int, project: str, number: int, place: tuple[int, int, int]) -> Asset | None:
        ground = self.build_ground(seed, project, number)
        zoom, column, row = place
        if not ground.highest <= zoom <= ground.deepest:
            return None
        scale = 1 << (ground.deepest - zoom)  # pixels of the deepest zoom in one of this
        left, top = column * TILE * scale - ground.left, row * TILE * scale - ground.top
        side = TILE * scale
        if not (-side < left < ground.width and -side < top < ground.height):
            return None
        canvas = Canvas(TILE, TILE, (0, 0, 0))
        canvas.fill_rectangle(-left / scale, -top / scale, ground.width / scale, ground.height / scale, ground.colour)
        for seen in ground.things:
            outline = [((x - left) / scale, (y - top) / scale) for x, y in seen.outline]
            canvas.fill_polygon(outline, seen.colour)
        # Readers take three channels of every pixel (SDK tiled_image.py 3.30.1:294).
        return Asset("image/png", canvas.png_truecolour())


class Geospatial(Tiled):
    """Every geometry is `geojson` in [longitude, latitude] (box: docs/export-geospatial-annotations; rest inferred)."""

    epsg = "EPSG4326"

    def build_ground(self, seed: int, project: str, number: int) -> Ground:
        chance = Chance(seed, self.media.name, project, number)
        column, row = chance.randbelow(1 << HOME_ZOOM), chance.randint(NORTHERNMOST, SOUTHERNMOST)
        home = TILE << (DEEPEST_MAP - HOME_ZOOM)
        return scatter_things(chance, left=column * home, top=row * home, highest=HOME_ZOOM - 2, deepest=DEEPEST_MAP)

    def render_layer(self, ground: Ground) -> dict[str, Any]:
        """`bounds` are the corners of south-west and north-east as [latitude, longitude] (sample)."""
        west, north = to_degrees(ground, (0, 0))
        east, south = to_degrees(ground, (ground.width, ground.height))
        return {"bounds": [[south, west], [north, east]], "alternativeLayers": []}

    def build_object(self, annotator: Annotator, tool: Feature, ground: Ground, seen: Thing) -> dict[str, Any]:
        match tool.kind:
            case "rectangle":
                return self._build_feature(annotator, tool, "GeoBoundingBox", "Polygon", [_build_corners(ground, seen)])
            case "polygon":
                ring = [to_degrees(ground, point) for point in (*seen.outline, seen.outline[0])]
                return self._build_feature(annotator, tool, "GeoPolygon", "Polygon", [ring])
            case "line":
                line = [to_degrees(ground, point) for point in seen.outline[: CORNERS // 2]]
                return self._build_feature(annotator, tool, "GeoPolyline", "LineString", line)
            case "point":
                return self._build_feature(annotator, tool, "GeoPoint", "Point", to_degrees(ground, seen.centre))
        raise AssertionError(f"the scenario lets no tool {tool.kind!r} into a geospatial ontology")

    def _build_feature(self, annotator: Annotator, tool: Feature, kind: str, shape: str, at: Any) -> dict[str, Any]:
        return annotator.build_object(tool, kind, geojson={"type": shape, "coordinates": at})


class Tiles(Tiled):
    """Pixel geometry in the kinds of pictures (inferred: V1 samples prove pixels, no V2 sample is known)."""

    epsg = "Simple"

    def build_ground(self, seed: int, project: str, number: int) -> Ground:
        chance = Chance(seed, self.media.name, project, number)
        return scatter_things(chance, left=0, top=0, highest=0, deepest=DEEPEST_PICTURE)

    def render_layer(self, ground: Ground) -> dict[str, Any]:
        """`bounds` are [x, y] in pixels of zoom 0, two opposite corners (sample)."""
        return {"bounds": [[0, 0], list(to_zoom_0((ground.width, ground.height)))], "version": 2}

    def build_object(self, annotator: Annotator, tool: Feature, ground: Ground, seen: Thing) -> dict[str, Any]:
        outline = [to_zoom_0(point) for point in seen.outline]
        match tool.kind:
            case "rectangle":
                top, left, height, width = (to_zoom_0((side, 0))[0] for side in seen.box)
                box = {"top": top, "left": left, "height": height, "width": width}
                return annotator.build_object(tool, "ImageBoundingBox", bounding_box=box)
            case "polygon":
                return annotator.build_object(tool, "ImagePolygon", polygon=build_points((*outline, outline[0])))
            case "line":
                return annotator.build_object(tool, "ImagePolyline", line=build_points(outline[: CORNERS // 2]))
            case "point":
                return annotator.build_object(tool, "ImagePoint", point=build_points([to_zoom_0(seen.centre)])[0])
        raise AssertionError(f"the scenario lets no tool {tool.kind!r} into a tiles ontology")


def scatter_things(chance: Chance, *, left: int, top: int, highest: int, deepest: int) -> Ground:
    """A ground with six to ten things on it."""
    width, height = chance.choice(SIZES)
    colour = (chance.randint(170, 235), chance.randint(170, 235), chance.randint(170, 235))
    things = tuple(draw_thing(chance, width, height) for _ in range(chance.randint(6, 10)))
    return Ground(left, top, width, height, colour, things, highest, deepest)


def to_degrees(ground: Ground, point: Point) -> list[float]:
    """[longitude, latitude] of a point of the ground by the web's Mercator projection (EPSG 3857).

    Seven decimals are a centimetre; the last bits of a tangent differ between machines.
    """
    around = TILE << ground.deepest
    x, y = (ground.left + point[0]) / around, (ground.top + point[1]) / around
    latitude = math.degrees(math.atan(math.sinh(math.pi * (1 - 2 * y))))
    return [round(x * 360 - 180, 7), round(latitude, 7)]


def to_zoom_0(point: Point) -> tuple[float, float]:
    """A point in pixels of zoom 0."""
    scale = 1 << DEEPEST_PICTURE
    return round(point[0] / scale, 4), round(point[1] / scale, 4)


def _build_corners(ground: Ground, seen: Thing) -> list[list[float]]:
    """Bottom left, top left, top right, bottom right, bottom left (docs/export-geospatial-annotations)."""
    top, left, height, width = seen.box
    west, north = to_degrees(ground, (left, top))
    east, south = to_degrees(ground, (left + width, top + height))
    return [[west, south], [west, north], [east, north], [east, south], [west, south]]
