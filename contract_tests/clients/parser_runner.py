"""Runs in a public parser's own environment: `python parser_runner.py NAME`, what it needs as JSON on standard input.

Prints as JSON what the parser made of an export.
"""

import csv
import json
import sys
import tempfile
from pathlib import Path
from typing import Any


def labelformat(arguments: Any) -> Any:
    """Boxes: file name, size, and (name, left, top, width, height) of each."""
    from labelformat.formats import LabelboxObjectDetectionInput
    from labelformat.model.bounding_box import BoundingBoxFormat

    read = LabelboxObjectDetectionInput(Path(arguments["file"]), category_names=",".join(arguments["names"]))
    return [
        {
            "image": [label.image.filename, label.image.width, label.image.height],
            "boxes": [[item.category.name, *item.box.to_format(BoundingBoxFormat.XYWH)] for item in label.objects],
        }
        for label in read.get_labels()
    ]


def labelpull(arguments: Any) -> Any:
    """A line for each feature, as its command writes them."""
    from labelpull.cli import app
    from typer.testing import CliRunner

    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "pulled.csv"
        ended = CliRunner().invoke(
            app, ["pull", arguments["project"], "--from-export", arguments["file"], "-o", str(out)]
        )
        assert ended.exit_code == 0, ended.output
        return list(csv.DictReader(out.open(newline="")))


def labelbase(arguments: Any) -> Any:
    """A dictionary for each label, from the service itself by the SDK; masks are downloaded and decoded."""
    import labelbox
    from labelbase.downloader import export_and_flatten_labels

    client = labelbox.Client(
        arguments["api_key"], endpoint=arguments["graphql_url"], rest_endpoint=arguments["rest_url"]
    )
    return export_and_flatten_labels(client, arguments["project"], mask_method=arguments["masks"])


if __name__ == "__main__":
    parser = {"labelformat": labelformat, "labelpull": labelpull, "labelbase": labelbase}[sys.argv[1]]
    print(json.dumps(parser(json.load(sys.stdin)), default=repr))
