"""Reads of SDKs of several years besides exports, where the vendor's own tests compare it with the service."""

import pytest

from contract_tests.clients.clients import Client, ClientKind, RunningPrograms, sdk
from contract_tests.clients.environments import NEWEST
from contract_tests.serving import ServedWorld
from mockserver.testing import MockWorkspace

WAYS = {"3.40.1": "export_v2", "3.52.0": "export_v2", "3.78.2": "export"} | dict.fromkeys(
    ("6.0.0", "6.10.0", NEWEST), "export"
)


def versions(*names: str) -> pytest.MarkDecorator:
    """A test for each SDK; those of one SDK are asked by one worker."""
    table = [pytest.param(name, marks=pytest.mark.xdist_group(sdk(name).name)) for name in names]
    return pytest.mark.parametrize("version", table)


EVERY = versions(*WAYS)


@pytest.fixture(scope="module")
def own(server: ServedWorld) -> MockWorkspace:
    """A workspace that these tests may change."""
    return server.workspace()


@pytest.fixture
def client(programs: RunningPrograms, server: ServedWorld, own: MockWorkspace, version: str) -> Client:
    return programs.client(ClientKind(sdk(version), WAYS[version]), server).with_key(own.api_key)


@pytest.mark.known("client")
@EVERY
def test_an_enum_is_one_metadata_field_and_two_entries_that_the_sdk_folds(
    client: Client, own: MockWorkspace, version: str
) -> None:
    """test_data_rows_upsert.py, test_data_rows.py: as many of one as of the other."""
    rows = own.expected_rows("image", params={"metadata_fields": True})
    row = max(rows, key=lambda row: len(row["metadata_fields"]))
    read = client.read("metadata", data_row_id=row["data_row"]["id"])
    [chosen] = [field["value"] for field in row["metadata_fields"] if field["schema_name"] == "split"]
    split = [field["value"] for field in read["fields"] if field["name"] == "split"]
    assert split == [option["schema_name"] for option in chosen]
    assert len(read["fields"]) == len(row["metadata_fields"]) == read["folded"]


@pytest.mark.known("client")
@EVERY
def test_labels_of_a_project_come_newest_first(client: Client, own: MockWorkspace, version: str) -> None:
    """test_label.py test_label_filter_order."""
    read = client.read("labels", project_id=own.project("image"))
    assert read["plain"] == read["newest first"] == read["oldest first"][::-1]
    assert len(set(read["plain"])) > 1


@pytest.mark.known("client")
@versions("3.52.0", "3.78.2", "6.0.0", "6.10.0", NEWEST)
def test_data_rows_are_read_on_from_behind_a_cursor(client: Client, own: MockWorkspace, version: str) -> None:
    """test_data_rows.py test_data_row_bulk_creation."""
    dataset = {"dataset_id": own.dataset("image rows")}
    every = client.read("data_rows", **dataset, cursor=None)
    assert len(every) > 2
    assert client.read("data_rows", **dataset, cursor=every[0]) == every[1:]
    assert client.read("data_rows", **dataset, cursor=every[-1]) == []


@pytest.mark.known("client")
@EVERY
def test_a_new_dataset_has_an_empty_description(client: Client, version: str) -> None:
    """test_dataset.py test_dataset."""
    assert client.read("new_dataset", name=f"of {version}") == {"description": "", "found": True}


@pytest.mark.known("client")
@EVERY
def test_projects_are_compared_in_six_ways(client: Client, server: ServedWorld, version: str) -> None:
    """test_filtering.py test_where."""
    states = server.workspace(scenario="states")  # no project has a media type that early SDKs do not know
    names = sorted(states.projects)
    middle = names[len(names) // 2]
    read = client.with_key(states.api_key).read("compare_projects", name=middle)
    assert middle in read.pop("both")
    assert read == {
        "==": [middle],
        "!=": [name for name in names if name != middle],
        ">": [name for name in names if name > middle],
        "<": [name for name in names if name < middle],
        ">=": [name for name in names if name >= middle],
        "<=": [name for name in names if name <= middle],
    }


@pytest.mark.known("client")
@EVERY
def test_people_and_data_rows_are_compared(client: Client, own: MockWorkspace, version: str) -> None:
    assert client.read("compare_people", email="owner@mock.example") == ["owner@mock.example"]
    assert client.read("compare_people", email="nobody") == []
    wanted = own.expected_rows("image")[0]["data_row"]["external_id"]
    assert client.read("compare_rows", dataset_id=own.dataset("image rows"), external_id=wanted) == [wanted]


@pytest.mark.known("client")
@versions("3.40.1", "3.52.0", "3.78.2")
def test_the_editor_is_found_by_its_name_in_small_letters(client: Client, version: str) -> None:
    """The fixtures of all tests up to 3.78 begin so."""
    assert client.read("frontends", name="editor") == client.read("frontends", name="Editor") == ["Editor"]


@pytest.mark.known("client")
@EVERY
def test_a_new_project_has_an_editor_since_2026(client: Client, server: ServedWorld, version: str) -> None:
    before = server.workspace(payload_date="2024-10-15")
    assert client.read("editor_of_new_project") == "Editor"
    assert client.with_key(before.api_key).read("editor_of_new_project") is None


@pytest.mark.known("client")
@EVERY
def test_an_editor_is_set_up_as_sdks_of_each_time_do_it(
    client: Client, server: ServedWorld, own: MockWorkspace, version: str
) -> None:
    """SDKs up to 3.74 refuse to set up what has an editor already; later ones go on."""
    before = server.workspace(payload_date="2024-10-15")
    then = client.with_key(before.api_key).read("editor_set_up", project_id=before.project("image"))
    assert then == ["Editor", True]
    now = client.read("editor_set_up", project_id=own.project("image"))
    assert now == ("ResourceConflict" if version in {"3.40.1", "3.52.0"} else ["Editor", True])


@pytest.mark.known("client")
@versions("3.40.1", "3.52.0")
def test_a_project_of_datasets_is_refused_since_the_middle_of_2023(
    client: Client, server: ServedWorld, version: str
) -> None:
    """test_legacy_project.py test_project_dataset; later SDKs refuse it themselves."""
    before = server.workspace(payload_date="2023-03-22")
    words = "DataSet queue mode is deprecated. Please prefer Batch queue mode."
    name, said = client.read("project_of_datasets")
    assert name == "MalformedQueryException"
    assert words in said
    assert client.with_key(before.api_key).read("project_of_datasets") == "Dataset"


@pytest.mark.known("client")
@versions("6.10.0", NEWEST)
def test_tasks_are_found_by_their_status(client: Client, own: MockWorkspace, version: str) -> None:
    """test_export_data_rows_streamable.py test_task_filter."""
    read = client.read("tasks_by_status", dataset_id=own.dataset("image rows"))
    assert read == {"running": True, "complete": True}


@pytest.mark.known("client")
@versions("6.10.0", NEWEST)
def test_an_export_that_was_just_made_can_be_cancelled(client: Client, own: MockWorkspace, version: str) -> None:
    """test_export_data_rows_streamable.py test_cancel_export_task."""
    own.clock.freeze()
    read = client.read("cancel_export", dataset_id=own.dataset("image rows"))
    assert read == {"cancelled": True, "status": "CANCELED"}


@pytest.mark.known("client")
@versions("3.78.2", "6.0.0", "6.10.0", NEWEST)
def test_embeddings_are_read_with_the_number_of_their_vectors(client: Client, own: MockWorkspace, version: str) -> None:
    """test_embedding.py: over REST up to 7.11, by GraphQL since."""
    read = client.read("embeddings")
    rows = own.expected_rows(catalog=True, params={"embeddings": True})
    have = [embedding["id"] for row in rows for embedding in row["embeddings"]]
    assert read["counts"] == {id_: have.count(id_) for id_ in read["counts"]}
    assert any(read["counts"].values())
    assert read["alone"] == [read["names"][0], True]
    assert read["missing"] == ("ResourceNotFoundError" if version == NEWEST else "LabelboxError")


@pytest.mark.known("client")
@versions("6.10.0", NEWEST)
def test_keys_invitations_and_groups_are_read(client: Client, own: MockWorkspace, version: str) -> None:
    read = client.read("access")
    assert read["keys"] == [["API key", "owner@mock.example"]]
    used, limit, remaining = read["limit"]
    assert used + remaining == limit
    assert (read["invites"], read["groups"]) == (0, [])


@pytest.mark.known("client")
@versions(NEWEST)
def test_the_workflow_of_a_project_is_read_and_valid(client: Client, own: MockWorkspace, version: str) -> None:
    read = client.read("workflow", project_id=own.project("image"))
    assert read["errors"] == []
    assert read["nodes"] == ["DoneNode", "InitialLabelingNode", "InitialReworkNode", "ReviewNode", "ReworkNode"]
    assert ["ReviewNode", "DoneNode"] in read["edges"]


@pytest.mark.known("client")
@versions("6.10.0", NEWEST)
def test_what_a_project_and_a_model_run_do_not_have(client: Client, own: MockWorkspace, version: str) -> None:
    run = own.model_runs["first training"]
    read = client.read("surroundings", project_id=own.project("image"), model_run_id=run)
    missing = "ResourceNotFoundError" if version == NEWEST else "LabelboxError"
    assert read == {"imports": 0, "service": "ResourceNotFoundError", "app": missing, "cost": [None, None]}


@pytest.mark.known("client")
@EVERY
def test_a_review_names_its_owners_and_the_options_of_an_editor_do_not(
    client: Client, server: ServedWorld, own: MockWorkspace, version: str
) -> None:
    states = server.workspace(scenario="states")
    read = client.with_key(states.api_key).read("review", project_id=states.project("talked about"))
    assert read == {"label": True, "project": True, "person": True, "organization": True}
    # test_project_setup.py
    assert client.read("options", project_id=own.project("image")) == [1, *["InvalidQueryError"] * 3]
