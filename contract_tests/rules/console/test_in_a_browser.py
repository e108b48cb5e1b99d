"""The ways people go, in a real browser: from click to the file on the disk; and what axe says about each view."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
from playwright.sync_api import Browser, Page

from contract_tests.rules.console.browser import OF_COLORS, find_violations, open_browser, open_page, wait_until
from contract_tests.rules.console.views import AUDITED, list_views, populate
from contract_tests.serving import ServedWorld

pytestmark = pytest.mark.timeout(900)  # a browser's processes start slowly on a busy machine


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with open_browser() as opened:
        yield opened


@pytest.fixture
def page(browser: Browser, server: ServedWorld) -> Iterator[Page]:
    with open_page(browser, server.url, viewport={"width": 1280, "height": 900}) as opened:
        yield opened


def download(page: Page) -> Any:
    """The file behind the link that a generated export has, parsed."""
    with page.expect_download() as waiting:
        page.locator("#result").get_by_role("link", name="Download").click()
    path = Path(waiting.value.path())
    if waiting.value.suggested_filename.endswith(".ndjson"):
        return [json.loads(line) for line in path.read_text("utf-8").splitlines()]
    return json.loads(path.read_text("utf-8"))


def test_rows_are_selected_by_hand_and_exported(page: Page, server: ServedWorld) -> None:
    page.goto("/")
    page.get_by_role("link", name="image", exact=True).click()
    assert page.get_by_role("button", name="Export the selected").is_disabled()
    page.get_by_label("Select image-highway-scene-0001").check()
    page.get_by_label("Select image-busy-lake-13-0003").check()
    page.get_by_role("button", name="Export the selected").click()
    page.get_by_label("metadata fields").check()
    page.get_by_role("button", name="Generate export").click()
    rows = download(page)
    assert [row["data_row"]["global_key"] for row in rows] == ["image-highway-scene-0001", "image-busy-lake-13-0003"]
    assert all("metadata_fields" in row for row in rows)


def test_a_selection_survives_paging(page: Page) -> None:
    page.goto("/console/catalog")
    page.get_by_label("Select all data rows of this page").check()
    page.get_by_text("All data rows of this page are selected").wait_for()
    page.get_by_role("button", name="Clear the selection").click()
    page.get_by_role("table").locator("tbody input").first.check()
    page.get_by_role("link", name="Next page").click()
    page.get_by_role("table").locator("tbody input").first.check()
    page.get_by_text("2 selected, 1 of them not on this page").wait_for()
    page.get_by_role("button", name="Export the selected").click()
    assert page.locator("#call").get_by_text("2 data rows will be exported").is_visible()


def test_all_that_match_a_filter_are_exported(page: Page, server: ServedWorld) -> None:
    page.goto(f"/console/projects/{server.projects['image']}")
    page.get_by_label("Workflow status").select_option("InReview")
    page.get_by_role("button", name="Filter").click()
    page.get_by_role("link", name="Export all that match").click()
    page.get_by_role("button", name="Generate export").click()
    statuses = {
        row["projects"][server.projects["image"]]["project_details"]["workflow_status"] for row in download(page)
    }
    assert statuses == {"IN_REVIEW"}


def test_labels_of_a_date_range_are_exported_by_v1(page: Page, server: ServedWorld) -> None:
    page.goto(f"/console/projects/{server.projects['text']}")
    page.get_by_role("link", name="Export", exact=True).click()
    page.get_by_label("Export V1").check()
    page.get_by_label("Label created from").fill("2024-12-10")
    page.get_by_role("button", name="Generate export").click()
    labels = download(page)
    assert labels
    assert min(label["Created At"] for label in labels) >= "2024-12-10"
    assert page.get_by_role("button", name="Generate export").is_disabled()
    page.locator("summary", has_text="Tasks").click()
    page.locator(".menu .bar", has=page.get_by_text("V1", exact=True)).get_by_role("link", name="Download").wait_for()


def test_the_bell_shows_an_export_of_a_client_while_it_runs(page: Page, server: ServedWorld) -> None:
    """The page hears of the change: it is not loaded again, and no button is pressed."""
    page.goto("/console/tasks")
    wait_until(page, "stream.readyState === EventSource.OPEN")
    progress = {"exports": {"seconds": 3600}}
    requests.post(f"{server.url}/_mock/progression", json=progress, timeout=60)
    document = "mutation($id: ID!) { exportDataRowsInProject(input: {filters: {projectId: $id}}) { taskId } }"
    server.ask(document, id=server.projects["audio"])
    page.locator("#bell", has_text="1 running").wait_for()
    task = page.locator("article.task", has_text="audio")
    task.get_by_role("button", name="Cancel").click()
    task.get_by_text("CANCELED").wait_for()
    page.locator("#bell", has_text="running").wait_for(state="detached")
    requests.post(f"{server.url}/_mock/progression", json={"exports": "at_once"}, timeout=60)


def test_the_clock_goes_to_the_next_due_delivery(page: Page, server: ServedWorld) -> None:
    webhook = {"url": "http://127.0.0.1:1/due", "secret": "s", "topics": ["REVIEW_CREATED"]}
    created = requests.post(f"{server.url}/_mock/webhooks", json=webhook, timeout=60).json()
    requests.post(f"{server.url}/_mock/events", json={"event": "REVIEW_CREATED", "project": "image"}, timeout=60)
    page.goto(f"/console/webhooks?webhook={created['id']}")
    page.locator("#delivery-list", has_text="not connected").wait_for()
    attempts = int(page.locator("#delivery-list td.number").inner_text())
    page.get_by_role("button", name="Advance the clock to the next due delivery").click()
    wait_until(page, f"Number(document.querySelector('#delivery-list td.number')?.textContent) > {attempts}")
    requests.delete(f"{server.url}/_mock/webhooks/{created['id']}", timeout=60)


def test_the_clock_and_workspaces_are_changed_by_buttons(page: Page, server: ServedWorld) -> None:
    page.goto("/")
    page.get_by_role("button", name="Fork mock-api-key").click()
    page.get_by_text("workspace mock-").wait_for()
    fork = page.url.partition("api_key=")[2]
    page.get_by_role("button", name="Freeze the clock").click()
    page.get_by_text("frozen", exact=True).wait_for()
    page.on("dialog", lambda dialog: dialog.accept())
    page.get_by_role("button", name=f"Delete {fork}").click()
    page.wait_for_url(f"{server.url}/")
    keys = requests.get(f"{server.url}/_mock/workspaces", timeout=60).json()["api_keys"]
    assert fork not in keys


def test_a_page_whose_workspace_was_deleted_says_so_and_requests_nothing_more(page: Page, server: ServedWorld) -> None:
    created = requests.post(f"{server.url}/_mock/workspaces", json={"scenario": "empty"}, timeout=60).json()
    page.goto(f"/console/tasks?api_key={created['api_key']}")
    wait_until(page, "stream?.readyState === EventSource.OPEN")
    requests.delete(f"{server.url}/_mock/workspaces/{created['api_key']}", timeout=60)
    page.get_by_text("This workspace was deleted").wait_for()
    assert page.evaluate("stream.readyState === EventSource.CLOSED")
    assert page.locator("[data-live], [data-open], meta[name=stream]").count() == 0


def test_a_webhook_is_set_up_as_the_service_describes_it(page: Page, server: ServedWorld) -> None:
    """The guide to Export V2 names the project, then version, address, secret and topics."""
    page.goto(f"/console/projects/{server.projects['text']}")
    page.get_by_role("navigation", name="Views of this project").get_by_role("link", name="Webhooks").click()
    page.get_by_role("textbox", name="URL").fill("http://127.0.0.1:1/webhook-endpoint")
    page.get_by_label("Secret").fill("CHANGE-ME")
    page.get_by_role("checkbox", name="REVIEW_CREATED").check()
    page.get_by_role("button", name="Set up webhook").click()
    page.locator("article").get_by_text("http://127.0.0.1:1/webhook-endpoint").wait_for()
    [webhook] = requests.get(f"{server.url}/_mock/webhooks", timeout=60).json()["webhooks"]
    assert webhook["project_id"] == server.projects["text"]
    assert webhook["version"] == "v2"
    assert "REVIEW_CREATED" in webhook["topics"]
    assert "LABEL_CREATED" in webhook["topics"]


def test_axe_finds_nothing_serious_and_no_view_is_wider_than_a_telephone(browser: Browser, server: ServedWorld) -> None:
    populate(server)
    findings: dict[str, list[str]] = {}
    with open_page(browser, server.url, reduced_motion="reduce") as page:  # colors change without a transition
        views = list_views(server)
        for name in AUDITED:
            page.set_viewport_size({"width": 1280, "height": 900})
            page.emulate_media(color_scheme="light")
            page.goto(views[name], wait_until="domcontentloaded")
            findings[name] = find_violations(page)
            page.emulate_media(color_scheme="dark")
            findings[name] += find_violations(page, OF_COLORS)
            page.set_viewport_size({"width": 375, "height": 700})
            if page.evaluate("document.documentElement.scrollWidth > innerWidth"):
                findings[name].append("wider than its window")
    assert {name: rules for name, rules in findings.items() if rules} == {}


def test_everything_can_be_read_without_script(browser: Browser, server: ServedWorld) -> None:
    with open_page(browser, server.url, java_script_enabled=False) as page:
        page.goto(f"/console/projects/{server.projects['image']}")
        page.get_by_label("Select image-highway-scene-0001").check()
        page.get_by_role("button", name="Export the selected").click()
        page.get_by_label("attachments").check()
        page.get_by_role("button", name="Show the call").click()
        assert "'attachments': True" in page.locator("#call-sdk").inner_text()
        assert page.get_by_role("button", name="Generate export").count() == 0


def test_a_document_is_written_from_the_schema_and_sent(page: Page, server: ServedWorld) -> None:
    page.goto("/console/graphql")
    page.get_by_role("button", name="Run", exact=True).click()
    page.locator("#answer", has_text=server.projects["image"]).wait_for()
    page.get_by_role("searchbox", name="Search").fill("query.project(")
    page.get_by_role("button", name="Write Query.project", exact=True).click()
    page.get_by_label("Variables").fill(json.dumps({"where": {"id": server.projects["text"]}}))
    page.get_by_label("Document").press("Control+Enter")
    page.locator("#answer", has_text='"name": "text"').wait_for()
    assert server.projects["text"] in page.locator("#call-curl").inner_text()


def test_a_control_call_is_sent_by_its_description(page: Page, server: ServedWorld) -> None:
    page.goto("/console/api")
    page.locator("summary", has_text="POST /_mock/events Makes something").click()
    form = page.locator("details[open] form")
    form.get_by_label("Body").fill(json.dumps({"event": "LABEL_CREATED", "project": "image"}))
    form.get_by_role("button", name="Send").click()
    page.get_by_role("region", name="The answer to POST /_mock/events", exact=True).get_by_text("label_id").wait_for()
    assert "LABEL_CREATED" in page.get_by_role("region", name="The call of POST /_mock/events by curl").inner_text()
