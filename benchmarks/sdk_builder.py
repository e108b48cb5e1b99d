"""Program for the Python of an SDK's environment: builds a project with data rows and labels, as set-up code does.

Findings: seconds in total, asleep, and in HTTP calls.
"""

import json
import sys
import time
import uuid
from typing import Any

import labelbox as lb

from benchmarks.sdk_client import SLEPT, WAITED, watch


def build(*, graphql_url: str, rest_url: str, api_key: str, name: str, rows: int) -> dict[str, float]:
    client = lb.Client(api_key=api_key, endpoint=graphql_url, rest_endpoint=rest_url)
    watch()
    started = time.perf_counter()
    ontology = lb.OntologyBuilder(tools=[lb.Tool(tool=lb.Tool.Type.BBOX, name="Car")])
    created: Any = client.create_ontology(name, ontology.asdict(), media_type=lb.MediaType.Image)
    project = client.create_project(name=name, media_type=lb.MediaType.Image)
    project.connect_ontology(created)
    dataset = client.create_dataset(name=name)
    keys = [f"{name}-{number}" for number in range(rows)]
    task = dataset.create_data_rows(
        [{"row_data": f"https://files.example/{key}.jpg", "global_key": key} for key in keys]
    )
    task.wait_till_done()
    assert task.errors is None, task.errors
    project.create_batch(name, global_keys=keys)
    box = {"top": 1, "left": 2, "height": 30, "width": 40}
    lines = [{"uuid": str(uuid.uuid4()), "name": "Car", "dataRow": {"globalKey": key}, "bbox": box} for key in keys]
    imported = lb.LabelImport.create_from_objects(client, project.uid, name, lines)
    imported.wait_till_done()
    assert imported.errors == [], imported.errors
    return {"seconds": time.perf_counter() - started, "slept": sum(SLEPT), "waited": sum(WAITED)}


if __name__ == "__main__":
    print(json.dumps(build(**json.loads(sys.argv[1]))))
