"""The exploration of faults as its users run it, with clients that have one mistake each."""

from collections.abc import Callable, Iterator

import pytest

from contract_tests.serving import ServedWorld
from mockserver.testing.rows import WrongRowsError, check_rows

pytest_plugins = ["pytester"]

CLIENT = """
import json, time, urllib.error, urllib.request

EXPORT = "mutation ($id: ID!) { exportDataRowsInProject(input: {filters: {projectId: $id}}) { taskId } }"
TASK = "query ($id: ID!) { task(where: {id: $id}) { status result } }"

def post(mock, query, **variables):
    body = json.dumps({"query": query, "variables": variables}).encode()
    request = urllib.request.Request(mock.graphql_url, body, {"Authorization": f"Bearer {mock.api_key}"})
    return json.load(urllib.request.urlopen(request))["data"]

def repeat(call):
    for _ in range(3):
        try:
            return call()
        except (OSError, http.client.HTTPException):
            time.sleep(0.01)
    return call()

import http.client

def download(url):
    return urllib.request.urlopen(url).read()

def export(mock, ask=lambda call: call(), download=download):
    task = ask(lambda: post(mock, EXPORT, id=mock.project("text")))["exportDataRowsInProject"]["taskId"]
    url = ask(lambda: post(mock, TASK, id=task))["task"]["result"]
    return [json.loads(line) for line in ask(lambda: download(url)).splitlines()]
"""


Explore = Callable[..., pytest.RunResult]


@pytest.fixture(scope="module")
def server() -> Iterator[ServedWorld]:
    """One server for all sessions, which would each start one."""
    with ServedWorld() as server:
        yield server


@pytest.fixture
def explore(pytester: pytest.Pytester, server: ServedWorld) -> Explore:
    """Runs a session whose tests are explored."""

    def run(test: str, *options: str) -> pytest.RunResult:
        pytester.makepyfile(CLIENT + test)
        return pytester.runpytest_subprocess("--labelbox-explore", "--labelbox-server-url", server.url, *options)

    return run


def test_a_client_that_repeats_its_calls_survives_every_fault(explore: Explore) -> None:
    result = explore(
        """
def test_export(labelbox_mock):
    labelbox_mock.check_rows(export(labelbox_mock, repeat), "text")
    """,
    )
    result.assert_outcomes(passed=1)
    result.stdout.fnmatch_lines([
        "*exploration of faults*",
        "*::test_export: 3 calls in *, 5 faults: 5 passes",
        "*1 200 POST /graphql {exportDataRowsInProject}",
        "*before*passes", "*after*passes",
        "*2 200 POST /graphql {task}", "*before*passes",
        "*3 200 GET /_files/*", "*before*passes", "*within*passes",
    ])  # fmt: skip


def test_an_error_of_the_client_is_no_failure_of_the_test(explore: Explore) -> None:
    result = explore(
        """
def test_export(labelbox_mock):
    labelbox_mock.check_rows(export(labelbox_mock), "text")
    """,
    )
    result.assert_outcomes(passed=1)
    result.stdout.fnmatch_lines(["*5 faults: 5 error", "*before*error*HTTPError*", "*within*error*IncompleteRead*"])


def test_lost_rows_are_wrong_data_and_fail_the_test(explore: Explore) -> None:
    """A client that takes what it got of an interrupted file for the whole."""
    result = explore(
        """
def take_what_there_is(url):
    try:
        return download(url)
    except http.client.IncompleteRead as error:
        return error.partial.rpartition(b"\\n")[0]

def test_export(labelbox_mock):
    labelbox_mock.check_rows(export(labelbox_mock, download=take_what_there_is), "text")
    """,
    )
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["*With 1 of 5 faults*", "*within*wrong data*rows the client has*lost*"])


def test_an_assertion_of_the_test_is_wrong_data_too(explore: Explore) -> None:
    """A client that repeats a mutation whose answer was lost does it twice."""
    result = explore(
        """
CREATE = 'mutation { createDataset(data: {name: "made"}) { id } }'

def test_create(labelbox_mock):
    repeat(lambda: post(labelbox_mock, CREATE))
    assert len(post(labelbox_mock, '{ datasets(where: {name: "made"}) { id } }')["datasets"]) == 1
    """,
    )
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(
        ["*1 200 POST /graphql {createDataset}", "*before*passes", "*after*wrong data*assert 2 == 1*"]
    )


def test_a_client_that_never_ends_is_ended(explore: Explore) -> None:
    result = explore(
        """
def wait_for_ever(call):
    try:
        return call()
    except Exception:
        while True:
            try:
                time.sleep(1000)
            except Exception:
                pass

def test_user(labelbox_mock):
    wait_for_ever(lambda: post(labelbox_mock, "{ user { id } }"))

def test_after_it(labelbox_mock):
    assert labelbox_mock.requests == []
    """,
        "--labelbox-explore-deadline",
        "2",
    )
    result.assert_outcomes(failed=1, passed=1)
    result.stdout.fnmatch_lines(["*before*hangs*"])


def test_a_test_that_fails_without_a_fault_is_not_explored(explore: Explore) -> None:
    result = explore(
        """
def test_user(labelbox_mock):
    post(labelbox_mock, "{ user { id } }")
    assert False

def test_without_the_mock():
    pass
    """,
    )
    result.assert_outcomes(failed=1, passed=1)
    assert "faults:" not in result.stdout.str()


def test_fixtures_are_fresh_in_each_run_and_shared_ones_are_kept(explore: Explore) -> None:
    result = explore(
        """
import pytest
made = []

@pytest.fixture(scope="module")
def shared():
    made.append("shared")
    yield
    made.append("ended")

@pytest.fixture
def own(labelbox_mock):
    made.append(labelbox_mock.api_key)
    yield labelbox_mock
    made.append("own ended")

def test_user(own, shared):
    repeat(lambda: post(own, "{ user { id } }"))

def test_all(shared):
    assert made.count("shared") == 1
    assert made.count("own ended") == 2
    assert len(set(made)) == 4
    """,
    )
    result.assert_outcomes(passed=2)


def test_workers_send_what_they_found(explore: Explore) -> None:
    result = explore(
        """
def test_user(labelbox_mock):
    repeat(lambda: post(labelbox_mock, "{ user { id } }"))
    """,
        "-n",
        "1",
    )
    result.assert_outcomes(passed=1)
    result.stdout.fnmatch_lines(["*::test_user: 1 calls in *, 1 faults: 1 passes"])


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        ([], "has 0: 2 lost (a, b)"),
        (["a"], "1 lost (b)"),
        (["a", "b", "b"], "1 doubled (b)"),
        (["a", "b", "c"], "1 unknown (c)"),
        (["a", "B"], "1 changed (b)"),
    ],
)
def test_wrong_rows_are_named(rows: list[str], said: str) -> None:
    def build(name: str) -> dict[str, object]:
        return {"data_row": {"id": name.lower()}, "capital": name.isupper()}

    with pytest.raises(WrongRowsError) as wrong:
        check_rows(map(build, rows), map(build, "ab"))
    assert said in str(wrong.value)
    check_rows(map(build, "ba"), map(build, "ab"))
