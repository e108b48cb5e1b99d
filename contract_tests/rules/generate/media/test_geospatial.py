"""Maps and tiled pictures: what is annotated lies where the tiles show it."""

import json
import math
import zlib
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mockserver.generate import features
from mockserver.generate.assets import build_asset, build_tile, insert_tiles_url
from mockserver.generate.media.generator import get_generator
from mockserver.generate.media.geospatial import TILE, Ground, Tiled, to_degrees
from mockserver.generate.scenario import load
from mockserver.generate.scenario_files import find
from mockserver.world.records.labels import FEATURES

ONTOLOGIES = {"geospatial": ("default", "survey-map"), "tiles": ("forms", "slide")}
NUMBERS = st.integers(0, 200)
WORDS = st.sampled_from(list(ONTOLOGIES))


def build_annotations(word: str, number: int) -> Any:
    """The body of a ground, every tool in it."""
    scenario, key = ONTOLOGIES[word]
    ontology = features.build_ontology(0, key, load(find(scenario)).ontologies[key])
    content = get_generator(word).build_variant(0, "p", number, ontology).content
    return json.loads(content.replace(FEATURES, b"c" * 20))


def build_row_file(word: str, number: int) -> Any:
    """The row's file."""
    return json.loads(
        insert_tiles_url(build_asset(f"{word}/p/{number}", seed=0).content, "http://mock/{z}/{x}/{y}.png")
    )


def ground(word: str, number: int) -> Ground:
    generator = get_generator(word)
    assert isinstance(generator, Tiled)
    return generator.build_ground(0, "p", number)


def positions(geojson: Any) -> list[list[float]]:
    """Every position of a geometry."""
    coordinates = [geojson["coordinates"]]
    while isinstance(coordinates[0][0], list):
        coordinates = [below for each in coordinates for below in each]
    return coordinates


@pytest.mark.known("documented")
@given(NUMBERS)
def test_a_place_is_geojson_in_longitude_and_latitude_within_the_bounds(number: int) -> None:
    [south, west], [north, east] = build_row_file("geospatial", number)["bounds"]
    shapes = {"GeoBoundingBox": "Polygon", "GeoPolygon": "Polygon", "GeoPolyline": "LineString", "GeoPoint": "Point"}
    for thing in build_annotations("geospatial", number)["objects"]:
        assert thing["geojson"]["type"] == shapes[thing["annotation_kind"]]
        for longitude, latitude in positions(thing["geojson"]):
            assert west <= longitude <= east
            assert south <= latitude <= north


@pytest.mark.known("documented")
@given(NUMBERS)
def test_a_box_goes_from_bottom_left_over_the_top_back_to_where_it_began(number: int) -> None:
    for thing in build_annotations("geospatial", number)["objects"]:
        if thing["annotation_kind"] == "GeoBoundingBox":
            [ring] = thing["geojson"]["coordinates"]
            west, south = ring[0]
            east, north = ring[2]
            assert ring == [[west, south], [west, north], [east, north], [east, south], [west, south]]
            assert west < east
            assert south < north


@pytest.mark.known("sample")
@given(NUMBERS)
def test_tiled_pictures_are_annotated_in_pixels_of_zoom_0(number: int) -> None:
    [_, [width, height]] = build_row_file("tiles", number)["bounds"]
    for thing in build_annotations("tiles", number)["objects"]:
        for point in thing.get("polygon", thing.get("line", [thing["point"]] if "point" in thing else [])):
            assert 0 <= point["x"] <= width
            assert 0 <= point["y"] <= height
        assert "geojson" not in thing


@pytest.mark.known("sample")
@pytest.mark.parametrize(("word", "epsg"), [("geospatial", "EPSG4326"), ("tiles", "Simple")])
def test_a_rows_file_says_where_its_tiles_are(word: str, epsg: str) -> None:
    layer = build_row_file(word, 0)
    assert layer["tileLayerUrl"] == "http://mock/{z}/{x}/{y}.png"
    assert (layer["epsg"], layer["tileSize"]) == (epsg, TILE)
    assert layer["minZoom"] < layer["maxZoom"]


def tiles_at(place: Ground, zoom: int) -> Iterator[tuple[int, int, int]]:
    """Every tile that shows a part of the ground."""
    side = TILE << (place.deepest - zoom)
    for column in range(place.left // side, (place.left + place.width - 1) // side + 1):
        for row in range(place.top // side, (place.top + place.height - 1) // side + 1):
            yield zoom, column, row


@given(WORDS, NUMBERS, st.integers(0, 3))
def test_the_ground_is_on_its_tiles_and_around_it_there_are_none(word: str, number: int, higher: int) -> None:
    place = ground(word, number)
    zoom = place.deepest - 3 - higher % 2
    inside = list(tiles_at(place, zoom))
    for spot in inside[:2]:
        assert build_tile(f"{word}/p/{number}", spot, seed=0) is not None
    _, column, row = inside[-1]
    for nowhere in ((zoom, column + 1, row), (zoom, column, row + 1), (place.deepest + 1, column, row), (99, 0, 0)):
        assert build_tile(f"{word}/p/{number}", nowhere, seed=0) is None


@given(WORDS, st.integers(0, 30))
def test_the_middle_of_the_last_thing_has_its_colour_at_the_deepest_zoom(word: str, number: int) -> None:
    """Drawn last, nothing lies over it."""
    place = ground(word, number)
    x, y = (int(place.left + place.things[-1].centre[0]), int(place.top + place.things[-1].centre[1]))
    tile = build_tile(f"{word}/p/{number}", (place.deepest, x // TILE, y // TILE), seed=0)
    assert tile is not None
    assert tile.content_type == "image/png"
    assert pixel(tile.content, x % TILE, y % TILE) == place.things[-1].colour


def pixel(png: bytes, x: int, y: int) -> tuple[int, ...]:
    """The colour of a pixel in a true-colour PNG of the server: 8 bits, filter 0."""
    assert (png[24], png[25]) == (8, 2)
    width, start = int.from_bytes(png[16:20], "big"), png.index(b"IDAT")
    raw = zlib.decompress(png[start + 4 : start + 4 + int.from_bytes(png[start - 4 : start], "big")])
    at = y * (1 + 3 * width) + 1 + 3 * x
    return tuple(raw[at : at + 3])


@given(st.integers(0, 4096), st.integers(0, 4096))
def test_degrees_lead_back_to_the_pixel(x: int, y: int) -> None:
    """Inverts the degrees by the formula of the web's Mercator projection."""

    place = ground("geospatial", 0)
    longitude, latitude = to_degrees(place, (x, y))
    around = TILE << place.deepest
    assert (longitude + 180) / 360 * around == pytest.approx(place.left + x, abs=0.1)
    up = math.asinh(math.tan(math.radians(latitude))) / math.pi
    assert (1 - up) / 2 * around == pytest.approx(place.top + y, abs=0.1)


@pytest.mark.parametrize("word", ["image/p/0", "text/p/0"])
def test_other_media_have_no_tiles(word: str) -> None:
    assert build_tile(word, (0, 0, 0), seed=0) is None
