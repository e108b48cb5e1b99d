"""The pytest plugin as its users run it: other pytest sessions, in processes of their own."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from contract_tests.waiting import eventually, wait_for

pytest_plugins = ["pytester"]

WRITES_PID = """
    import pathlib, pytest
    @pytest.mark.parametrize("number", range(4))
    def test_pid(labelbox_server, number, request):
        folder = pathlib.Path(request.config.rootpath)
        (folder / f"pid-{number}").write_text(str(labelbox_server.ready["pid"]))
"""


def assert_passed(result: pytest.RunResult, count: int) -> None:
    result.assert_outcomes(passed=count)
    assert result.ret == 0


def is_running(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def test_each_test_gets_a_world_of_its_own(pytester: pytest.Pytester) -> None:
    pytester.makepyfile("""
        def test_it_can_be_changed(labelbox_mock):
            labelbox_mock.clock.freeze()
            labelbox_mock.progression.exports = {"looks": 3}
        def test_and_the_next_sees_nothing_of_it(labelbox_mock):
            assert not labelbox_mock.clock.frozen
            assert labelbox_mock.progression.exports == "at_once"
            assert {"image", "text", "video"} <= set(labelbox_mock.projects)
    """)
    assert_passed(pytester.runpytest_subprocess("-W", "error"), 2)


def test_a_mark_says_what_is_in_it(pytester: pytest.Pytester) -> None:
    pytester.makepyfile("""
        import pytest
        @pytest.mark.labelbox(
            scenario="empty", seed=3, progression={"seconds": 5}, switches={"masks": "plain"}, incarnation="pinned"
        )
        def test_marked(labelbox_mock):
            assert labelbox_mock.projects == {}
            assert labelbox_mock.switches.get()["masks"] == "plain"
            assert labelbox_mock.progression.exports == {"seconds": 5.0}
    """)
    assert_passed(pytester.runpytest_subprocess("--strict-markers"), 1)


def test_the_nearest_mark_wins_word_by_word(pytester: pytest.Pytester) -> None:
    pytester.makepyfile("""
        import pytest
        pytestmark = pytest.mark.labelbox(scenario="empty", seed=1)
        @pytest.mark.labelbox(scenario="default")
        def test_marked(labelbox_mock):
            assert "image" in labelbox_mock.projects
    """)
    assert_passed(pytester.runpytest_subprocess(), 1)


def test_a_misspelt_mark_is_an_error(pytester: pytest.Pytester) -> None:
    pytester.makepyfile("""
        import pytest
        @pytest.mark.labelbox(scenarios="empty")
        def test_marked(labelbox_mock): ...
    """)
    result = pytester.runpytest_subprocess()
    result.stdout.fnmatch_lines(
        ["*labelbox does not know scenarios; it takes scenario, seed, ends, payload_date, switches, incarnation, *"]
    )
    assert result.ret != 0


def test_an_unknown_scenario_names_the_nearest(pytester: pytest.Pytester) -> None:
    pytester.makepyfile("def test_it(labelbox_mock): ...")
    result = pytester.runpytest_subprocess("--labelbox-scenario", "defautl")
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(['*defautl*known are "default"*'])


def test_an_unknown_project_names_those_there_are(pytester: pytest.Pytester) -> None:
    pytester.makepyfile("def test_it(labelbox_mock): labelbox_mock.project('images')")
    result = pytester.runpytest_subprocess()
    result.stdout.fnmatch_lines(["*has no project 'images'; it has 'image', *"])


def test_ini_options_are_read(pytester: pytest.Pytester) -> None:
    pytester.makeini("[pytest]\nlabelbox_scenario = empty\nlabelbox_seed = 9\n")
    pytester.makepyfile("def test_it(labelbox_mock): assert labelbox_mock.projects == {}")
    assert_passed(pytester.runpytest_subprocess(), 1)


def test_a_seed_that_is_no_number_ends_the_session_in_one_line(pytester: pytest.Pytester) -> None:
    pytester.makepyfile("def test_it(labelbox_mock): ...")
    result = pytester.runpytest_subprocess("--labelbox-seed", "x")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["ERROR: --labelbox-seed *'x'; expected a whole number, for example --labelbox-seed 7"])


EMPTY = Path(__file__).parents[3] / "fixtures" / "scenarios" / "empty.toml"


def test_the_path_of_a_scenario_is_relative_to_where_it_is_written(pytester: pytest.Pytester) -> None:
    """In the ini file to its folder, in a mark to the test's file, in an option to the current folder."""
    for folder in ("sub", "shared"):
        pytester.mkdir(folder)
    (pytester.path / "shared" / "mine.toml").write_text(EMPTY.read_text())
    pytester.makeini("[pytest]\nlabelbox_scenario = shared/mine.toml\n")
    (pytester.path / "sub" / "test_both.py").write_text(
        "import pytest\n"
        "def test_ini(labelbox_mock): assert labelbox_mock.projects == {}\n"
        "@pytest.mark.labelbox(scenario='../shared/mine.toml', seed=4)\n"
        "def test_mark(labelbox_mock): assert labelbox_mock.projects == {}\n"
    )
    pytester.chdir()
    os.chdir(pytester.path / "sub")
    assert_passed(pytester.runpytest_subprocess(), 2)
    assert_passed(pytester.runpytest_subprocess("--labelbox-scenario", "../shared/mine.toml"), 2)


def test_a_missing_scenario_is_named_by_its_whole_path(pytester: pytest.Pytester) -> None:
    pytester.makeini("[pytest]\nlabelbox_scenario = shared/missing.toml\n")
    pytester.makepyfile("def test_it(labelbox_mock): ...")
    result = pytester.runpytest_subprocess()
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines([f"*{pytester.path}/shared/missing.toml*no such file*"])


def test_modules_and_sessions_share_a_workspace(pytester: pytest.Pytester) -> None:
    source = """
        import pytest
        pytestmark = pytest.mark.labelbox(scenario="empty")
        def test_first(labelbox_mock_module, labelbox_mock_session, labelbox_mock):
            assert labelbox_mock_module.projects == {}
            labelbox_mock_module.clock.freeze()
            labelbox_mock_session.progression.exports = {"looks": 3}
        def test_second(labelbox_mock_module, labelbox_mock_session, labelbox_mock):
            assert labelbox_mock_module.clock.frozen
            assert labelbox_mock_session.progression.exports == {"looks": 3}
            assert "image" in labelbox_mock_session.projects
            assert len({labelbox_mock.api_key, labelbox_mock_module.api_key, labelbox_mock_session.api_key}) == 3
    """
    other = """
        def test_third(labelbox_mock_module, labelbox_mock_session):
            assert not labelbox_mock_module.clock.frozen
            assert labelbox_mock_session.progression.exports == {"looks": 3}
    """
    pytester.makepyfile(test_one=source, test_two=other)
    assert_passed(pytester.runpytest_subprocess(), 3)


def test_a_test_may_delete_its_workspace(pytester: pytest.Pytester) -> None:
    pytester.makepyfile("""
        def test_it(labelbox_mock):
            labelbox_mock.delete()
            labelbox_mock.delete()
    """)
    assert_passed(pytester.runpytest_subprocess(), 1)


def test_a_refused_call_shows_the_users_own_line_and_nothing_of_the_harness(pytester: pytest.Pytester) -> None:
    pytester.makepyfile("def test_it(labelbox_mock): labelbox_mock.clock.set('noon')")
    result = pytester.runpytest_subprocess()
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["*labelbox_mock.clock.set('noon')*", "E  *ControlRefusedError: *'noon'*"])
    result.stdout.no_fnmatch_line("*/mockserver/testing/*")


def test_all_xdist_workers_share_one_server_that_ends_with_the_session(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(WRITES_PID)
    assert_passed(pytester.runpytest_subprocess("-n", "2", "-W", "error"), 4)
    pids = {int(file.read_text()) for file in pytester.path.glob("pid-*")}
    assert len(pids) == 1
    pid = pids.pop()
    assert eventually(lambda: not is_running(pid))


def test_the_server_ends_even_when_the_session_is_killed(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(WRITES_PID + "\n        import time; time.sleep(60)\n")
    session = subprocess.Popen([sys.executable, "-m", "pytest", "-q", str(pytester.path)], stdout=subprocess.DEVNULL)
    file = pytester.path / "pid-0"
    wait_for(lambda: file.exists() and file.read_text())
    session.send_signal(signal.SIGKILL)
    session.wait()
    pid = int(file.read_text())
    assert eventually(lambda: not is_running(pid))


def test_a_server_that_cannot_start_is_an_error_not_a_skip(pytester: pytest.Pytester) -> None:
    pytester.makepyfile("def test_it(labelbox_mock): ...")
    result = pytester.runpytest_subprocess("--labelbox-server-python", "/no/such/python")
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(["*ServerDiedError*could not be started*"])


def test_a_server_that_dies_fails_the_next_test_and_says_so(pytester: pytest.Pytester) -> None:
    pytester.makepyfile("""
        import os, signal
        def test_murder(labelbox_server):
            os.kill(labelbox_server.ready["pid"], signal.SIGKILL)
            os.waitid(os.P_PID, labelbox_server.ready["pid"], os.WEXITED | os.WNOWAIT)
        def test_after(labelbox_mock): ...
    """)
    result = pytester.runpytest_subprocess()
    result.assert_outcomes(passed=1, errors=1)
    result.stdout.fnmatch_lines(["*The mock server at http://127.0.0.1:* does not answer*"])


def test_a_session_that_does_not_use_it_starts_nothing_and_loads_nothing(pytester: pytest.Pytester) -> None:
    pytester.makepyfile("""
        import sys
        def test_it():
            ours = {name for name in sys.modules if name.split(".")[0] == "mockserver"}
            assert ours == set()
            assert not {"msgspec", "orjson", "click", "starlette", "graphql", "uvicorn"} & set(sys.modules)
    """)
    assert_passed(pytester.runpytest_subprocess("-p", "no:hypothesispytest"), 1)


def test_a_running_server_can_be_used_instead(pytester: pytest.Pytester, tmp_path: Path) -> None:
    pytester.makepyfile("def test_it(labelbox_mock): assert labelbox_mock.expected_rows('text')")
    ready = tmp_path / "ready.json"
    command = [sys.executable, "-m", "mockserver", "serve", "--port", "0", "--ready-file", str(ready)]
    with subprocess.Popen([*command, "--exit-with", str(os.getpid())], stdout=subprocess.DEVNULL) as server:
        while not ready.exists():
            assert server.poll() is None
            time.sleep(0.01)
        url = json.loads(ready.read_text())["url"]
        assert_passed(pytester.runpytest_subprocess("--labelbox-server-url", url), 1)
        server.terminate()


RECEIVER = """
    import hmac, threading
    from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
    import pytest

    class Receiver(BaseHTTPRequestHandler):
        def do_POST(self):
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            expected = "sha1=" + hmac.new(b"secret", body, "sha1").hexdigest()
            self.send_response(200 if self.headers.get("X-Hub-Signature", "") == expected else 401)
            self.end_headers()
        def log_message(self, *_): ...

    class Server(ThreadingHTTPServer):
        request_queue_size = 128
        def handle_error(self, *_): ...

    @pytest.fixture
    def url():
        server = Server(("127.0.0.1", 0), Receiver)
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()
        thread.join()
        server.server_close()
"""
QUICK = 'leave_out=["slow", "huge", "larger", "split-letter"]'


def test_a_receiver_is_certified(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(f"""{RECEIVER}
    def test_it(url, certify_webhook_receiver):
        report = certify_webhook_receiver(url, secret="secret", strict=True, {QUICK})
        assert report.grade == "A"
    """)
    assert_passed(pytester.runpytest_subprocess(), 1)


def test_a_receiver_that_fails_fails_its_test_with_the_report(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(f"""{RECEIVER}
    def test_it(url, certify_webhook_receiver):
        certify_webhook_receiver(url, secret="secret\\n", {QUICK})
    """)
    result = pytester.runpytest_subprocess()
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["*secret lost the white space*secret-stripped*", "NOT CERTIFIED, grade F*"])


ASKS = """
    import json, urllib.error, urllib.request
    def ask(mock, query, key=None, path="/graphql"):
        headers = {"Authorization": f"Bearer {key or mock.api_key}"}
        request = urllib.request.Request(mock.url + path, json.dumps({"query": query}).encode(), headers)
        try:
            urllib.request.urlopen(request)
        except urllib.error.HTTPError as error:
            error.read()
"""


def test_the_report_of_a_failing_test_shows_what_its_client_asked(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        ASKS
        + """
    def test_that_fails(labelbox_mock):
        ask(labelbox_mock, "query Whoami { user { id } }")
        ask(labelbox_mock, "{ user { emial } }")
        ask(labelbox_mock, "{ user { id } }", key="wrong-key")
        labelbox_mock.fault("server_error")
        ask(labelbox_mock, "{ user { id } }", path="/_gql")
        assert False
    def test_that_passes(labelbox_mock):
        ask(labelbox_mock, "query Quiet { user { id } }")
    """
    )
    result = pytester.runpytest_subprocess()
    result.assert_outcomes(failed=1, passed=1)
    result.stdout.fnmatch_lines([
        "*requests to labelbox_mock*",
        "*1 200 POST /graphql Whoami {user}",
        "*2 400 POST /graphql {user} GRAPHQL_VALIDATION_FAILED",
        '*not understood: Cannot query field "emial" on type "User"*"email"*',
        "*3 500 POST /_gql*INTERNAL_SERVER_ERROR*fault server_error*",
        "*of no workspace*",
        "*401 POST /graphql*AUTHENTICATION_ERROR",
    ])  # fmt: skip
    assert "Quiet" not in result.stdout.str()


def test_a_server_that_has_died_is_named_in_the_report(pytester: pytest.Pytester) -> None:
    pytester.makepyfile("""
        import os, signal
        def test_that_fails(labelbox_mock):
            os.kill(labelbox_mock._ready["pid"], signal.SIGKILL)
            assert False
    """)
    result = pytester.runpytest_subprocess()
    result.stdout.fnmatch_lines(["*requests to labelbox_mock*", "*not known: *does not answer*"])
