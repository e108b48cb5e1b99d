"""A server starts with a state folder that is not as an earlier server left it."""

import json
import os
import shutil
import sqlite3
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from contract_tests.rules.commands.starting import ready, run, serve_in
from mockserver.storage.manifest import name_home
from mockserver.testing.control import Control
from mockserver.testing.errors import ControlRefusedError

OWN, MADE, FORK = "mock-api-key", "made", "fork"


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A state with the server's own workspace, one created from a scenario, and a fork of that."""
    folder = tmp_path_factory.mktemp("kept")
    with serve_in(folder, "--state", str(folder / "state"), "--scenario", "empty") as process:
        control = Control(ready(process, folder)["url"])
        control.call("POST", "workspaces", {"api_key": MADE})
        control.call("POST", "workspaces", {"api_key": FORK, "fork_of": MADE})
        process.terminate()
        process.wait(60)
    return folder / "state"


@pytest.fixture
def state(original: Path, tmp_path: Path) -> Path:
    return shutil.copytree(original, tmp_path / "state")


def home(state: Path, api_key: str) -> Path:
    return state / "workspaces" / name_home(api_key)


def world(state: Path, api_key: str) -> Path:
    [path] = home(state, api_key).glob("*/world.sqlite")
    return path


def start_and_stop(state: Path, folder: Path) -> tuple[set[str], str]:
    """The API keys that a server on this state serves, and what it writes into its log."""
    with serve_in(folder, "--state", str(state), "--scenario", "empty") as process:
        keys = Control(ready(process, folder)["url"]).call("GET", "workspaces")["api_keys"]
        process.terminate()
        _, log = process.communicate(timeout=60)
    (folder / "ready.json").unlink(missing_ok=True)
    return set(keys), log


def get_refusal(state: Path) -> str:
    """The one line with which a server on this state ends."""
    ended = run("serve", "--port", "0", "--state", str(state), "--scenario", "empty")
    assert (ended.returncode, len(ended.stderr.splitlines())) == (2, 1), ended.stderr
    return ended.stderr


def tree(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if not path.name.endswith(("-wal", "-shm"))}


def zero_a_page(path: Path) -> None:
    with path.open("r+b") as file:
        file.seek(4096 * 3)
        file.write(bytes(4096))


def run_sql(*statements: str) -> Callable[[Path], None]:
    def change(path: Path) -> None:
        with sqlite3.connect(path) as connection:
            for statement in statements:
                connection.execute(statement)
        connection.close()

    return change


def remove(path: Path) -> None:
    shutil.rmtree(path) if path.is_dir() else path.unlink()


def overwrite(path: Path) -> None:
    path.write_bytes(b"neither a database nor JSON " * 400)


def empty(path: Path) -> None:
    path.write_bytes(b"")


def replace_by_a_folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


def replace_by_a_pipe(path: Path) -> None:
    path.unlink()
    os.mkfifo(path)


def put_an_unknown_key(path: Path) -> None:
    path.write_text(json.dumps(json.loads(path.read_text()) | {"surprise": 1}))


def put_an_unknown_switch(path: Path) -> None:
    known = json.loads(path.read_text())
    path.write_text(json.dumps(known | {"origin": known["origin"] | {"switches": {"masks": "none"}}}))


DAMAGE: dict[str, tuple[str, Callable[[Path], object]]] = {
    "a world that is gone": ("life-*/world.sqlite", remove),
    "a world that is no database": ("life-*/world.sqlite", overwrite),
    "an empty world": ("life-*/world.sqlite", empty),
    "a world that is a folder": ("life-*/world.sqlite", replace_by_a_folder),
    "a page of zeros": ("life-*/world.sqlite", zero_a_page),
    "no row that says whose it is": ("life-*/world.sqlite", run_sql("DELETE FROM workspace")),
    "a missing column": ("life-*/world.sqlite", run_sql("ALTER TABLE data_row DROP COLUMN metadata")),
    "a missing table": ("life-*/world.sqlite", run_sql("DROP TABLE outbox")),
    "an unknown switch": ("life-*/world.sqlite", run_sql("""UPDATE workspace SET switches = '{"masks": "none"}'""")),
    "an unknown progression": (
        "life-*/world.sqlite",
        run_sql("""UPDATE workspace SET progression = '{"exports": "slow"}'"""),
    ),
    "a payload date that is no date": ("life-*/world.sqlite", run_sql("UPDATE workspace SET payload_date = '20xx'")),
    "a clock that is no moment": ("life-*/world.sqlite", run_sql("UPDATE workspace SET clock_offset = 1 << 62")),
    "a seed that is no number": ("life-*/world.sqlite", run_sql("UPDATE workspace SET seed = 'x'")),
    "another's world": ("life-*/world.sqlite", run_sql("UPDATE workspace SET name = 'somebody'")),
    "a world of another life": ("life-*/world.sqlite", run_sql("UPDATE workspace SET incarnation = 'another'")),
    "a life that is gone": ("life-*", remove),
    "a manifest that is gone": ("workspace.json", remove),
    "a manifest that is no JSON": ("workspace.json", overwrite),
    "an empty manifest": ("workspace.json", empty),
    "a manifest that is a pipe": ("workspace.json", replace_by_a_pipe),
    "a manifest of two megabytes": ("workspace.json", lambda path: path.write_bytes(b" " * 2_000_000)),
    "a manifest with an unknown key": ("workspace.json", put_an_unknown_key),
    "a manifest with an unknown switch": ("workspace.json", put_an_unknown_switch),
}


@pytest.fixture(scope="module")
def original_of_many(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A state with a workspace for each kind of damage."""
    folder = tmp_path_factory.mktemp("many")
    with serve_in(folder, "--state", str(folder / "state"), "--scenario", "empty") as process:
        control = Control(ready(process, folder)["url"])
        for number in range(len(DAMAGE)):
            control.call("POST", "workspaces", {"api_key": f"key-{number}"})
        process.terminate()
        process.wait(60)
    return folder / "state"


def test_every_damaged_workspace_is_named_in_a_line_and_the_others_are_served(
    original_of_many: Path, tmp_path: Path
) -> None:
    homes = {name: home(original_of_many, f"key-{number}") for number, name in enumerate(DAMAGE)}
    for name, (place, damage) in DAMAGE.items():
        [path] = homes[name].glob(place)
        damage(path)
    before = {name: tree(homes[name]) for name in DAMAGE}
    keys, log = start_and_stop(original_of_many, tmp_path)
    assert keys == {OWN}
    lines = log.splitlines()
    assert len(lines) == len(DAMAGE)
    for name, folder in homes.items():
        [line] = [line for line in lines if str(folder) in line]
        assert f"move {folder} away" in line, name
        assert tree(folder) == before[name], name


def replace_by_the_served_world(path: Path) -> None:
    [served_world] = path.parent.glob("life-*/world.sqlite")
    shutil.copyfile(served_world, path)


def replace_by_an_earlier_copy(path: Path) -> None:
    """A file of the same size, which is undamaged in itself."""
    run_sql("UPDATE workspace SET payload_date = '2024-01-31'")(path)


@pytest.mark.parametrize(
    "damage",
    [remove, overwrite, zero_a_page, replace_by_a_folder, replace_by_the_served_world, replace_by_an_earlier_copy],
)
def test_a_fork_with_a_damaged_origin_is_served_and_the_log_says_that_it_cannot_be_reset(
    state: Path, tmp_path: Path, damage: Callable[[Path], None]
) -> None:
    origin = home(state, FORK) / "origin.sqlite"
    copy = shutil.copy(origin, tmp_path)
    damage(origin)
    with serve_in(tmp_path, "--state", str(state), "--scenario", "empty") as process:
        control = Control(ready(process, tmp_path)["url"])
        control.call("GET", "ready", api_key=FORK)
        with pytest.raises(ControlRefusedError, match=r"cannot be reset: .*origin\.sqlite"):
            control.call("POST", "reset", api_key=FORK)
        remove(origin) if origin.exists() else None
        shutil.copy(copy, origin)
        control.call("POST", "reset", api_key=FORK)
        process.terminate()
        _, log = process.communicate(timeout=60)
    [line] = log.splitlines()
    assert str(origin) in line
    assert "is served, and cannot be reset" in line


@pytest.mark.parametrize("name", ["a page of zeros", "a life that is gone", "a manifest that is gone"])
def test_a_server_whose_own_workspace_is_damaged_does_not_start(state: Path, name: str) -> None:
    place, damage = DAMAGE[name]
    [path] = home(state, OWN).glob(place)
    damage(path)
    line = get_refusal(state)
    assert f"move {home(state, OWN)} away to begin this workspace anew" in line


def test_a_client_of_a_damaged_workspace_learns_why_and_may_delete_it(state: Path, tmp_path: Path) -> None:
    remove(world(state, MADE))
    with serve_in(tmp_path, "--state", str(state), "--scenario", "empty") as process:
        control = Control(ready(process, tmp_path)["url"])
        for method, path in (("GET", f"clock?api_key={MADE}"), ("POST", "workspaces")):
            with pytest.raises(ControlRefusedError, match=r"world\.sqlite is missing"):
                control.call(method, path, {"api_key": MADE} if method == "POST" else None)
        control.call("DELETE", f"workspaces/{MADE}")
        control.call("POST", "workspaces", {"api_key": MADE})
    assert world(state, MADE).exists()


# Things that no server put there


@pytest.mark.parametrize("copied", [MADE, OWN, FORK])
@pytest.mark.parametrize("name", ["0", "zzz"])
def test_a_copied_workspace_is_named_and_neither_served_nor_removed(
    state: Path, tmp_path: Path, copied: str, name: str
) -> None:
    """Whether the copy comes before or behind the original in the order of names."""
    copy = shutil.copytree(home(state, copied), state / "workspaces" / name)
    before = tree(state)
    keys, log = start_and_stop(state, tmp_path)
    assert keys == {OWN, MADE, FORK}
    assert str(copy) in log
    assert before <= tree(state)


def test_foreign_files_and_lives_stay_where_they_are(state: Path, tmp_path: Path) -> None:
    life = world(state, MADE).parent
    shutil.copytree(life, life.with_name("life-copied-by-hand"))
    shutil.copytree(life, life.with_name("00000009"))
    (state / "notes.txt").write_text("mine")
    (home(state, MADE) / "notes.txt").write_text("mine")
    before = tree(state)
    keys, _ = start_and_stop(state, tmp_path)
    assert keys == {OWN, MADE, FORK}
    assert before <= tree(state)


@pytest.mark.parametrize(
    "change",
    [
        {"leaving": ["../../../precious"]},
        {"leaving": [".."]},
        {"leaving": [""]},
        {"leaving": ["results"]},
        {"leaving": ["life"]},
        {"life": "../other/life-000000000000"},
        {"life": ""},
        {"secret": ""},
    ],
    ids=str,
)
def test_a_manifest_that_leads_elsewhere_is_damaged_and_nothing_is_removed(
    state: Path, tmp_path: Path, change: dict[str, Any]
) -> None:
    (tmp_path / "precious").mkdir()
    manifest = home(state, MADE) / "workspace.json"
    content = json.loads(manifest.read_bytes())
    if change == {"leaving": ["life"]}:
        change = {"leaving": [content["life"]]}
    manifest.write_text(json.dumps(content | change))
    before = tree(state)
    keys, log = start_and_stop(state, tmp_path)
    assert keys == {OWN, FORK}
    assert f"{manifest} is damaged" in log
    assert before <= tree(state)
    assert (tmp_path / "precious").is_dir()


def test_leftovers_of_a_killed_server_are_removed(state: Path, tmp_path: Path) -> None:
    shutil.copytree(home(state, MADE), state / "workspaces" / ".new-123")
    shutil.copytree(home(state, MADE), state / "workspaces" / ".old-123")
    (home(state, MADE) / "workspace.json.ab12.part").write_text("{")
    keys, log = start_and_stop(state, tmp_path)
    assert (keys, log) == ({OWN, MADE, FORK}, "")
    assert not [path for path in tree(state) if ".new-" in path or ".old-" in path or path.endswith(".part")]


# Versions


def manifest(state: Path, **changed: object) -> None:
    path = state / "manifest.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | changed))


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"format": 99}, "a newer version of mockserver"),
        ({"format": 99, "surprise": True, "written_by": "9.0"}, "a newer version of mockserver (9.0"),
        ({"format": 0}, "another version of mockserver"),
        ({"tables": "0123"}, "another version of mockserver"),
        ({"product": "something else"}, "is damaged or foreign"),
        ({"format": "one"}, "is damaged or foreign"),
    ],
)
def test_a_state_of_another_version_is_refused_before_anything_is_served(
    state: Path, changed: dict[str, Any], said: str
) -> None:
    manifest(state, **changed)
    before = tree(state)
    line = get_refusal(state)
    assert said in line
    assert str(state / "manifest.json") in line
    assert tree(state) == before


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"\xff\xfe", b"0"])
def test_a_manifest_that_cannot_be_read_is_named_by_its_path(state: Path, content: bytes) -> None:
    (state / "manifest.json").write_bytes(content)
    assert str(state / "manifest.json") in get_refusal(state)


def test_a_manifest_that_is_a_pipe_is_not_waited_for(state: Path) -> None:
    replace_by_a_pipe(state / "manifest.json")
    assert f"{state / 'manifest.json'}: Not a regular file" in get_refusal(state)


def test_workspaces_without_a_manifest_are_nobodys(state: Path) -> None:
    (state / "manifest.json").unlink()
    assert str(state / "workspaces") in get_refusal(state)


def test_a_folder_that_holds_other_things_may_become_a_state(tmp_path: Path) -> None:
    state = tmp_path / "state"
    state.mkdir()
    (state / "notes.txt").write_text("mine")
    keys, log = start_and_stop(state, tmp_path)
    assert keys == {OWN}
    assert f"{state} held 'notes.txt', which no mockserver wrote" in log
    assert (state / "notes.txt").read_text() == "mine"
    assert "notes.txt" not in start_and_stop(state, tmp_path)[1]


@pytest.mark.parametrize(
    ("names", "said"),
    [
        ([], ""),
        ([".gitkeep", "lost+found", "manifest.json.5f3a.part"], ""),
        (["b", "a"], "held 'a', 'b', which"),
        ([str(number) for number in range(7)], "'4' and 2 more, which"),
    ],
)
def test_the_log_names_what_a_new_state_folder_holds(tmp_path: Path, names: list[str], said: str) -> None:
    state = tmp_path / "state"
    state.mkdir()
    for name in names:
        (state / name).touch()
    log = start_and_stop(state, tmp_path)[1]
    assert said in log
    assert bool(said) is ("no mockserver wrote" in log)


# Locks and temporary folders


def test_nothing_that_can_be_deleted_lets_a_second_server_in(state: Path, tmp_path: Path) -> None:
    with serve_in(tmp_path, "--state", str(state), "--scenario", "empty") as process:
        ready(process, tmp_path)
        for path in state.iterdir():
            if path.is_file():
                path.unlink()
        assert "is in use by another server" in get_refusal(state)


@pytest.fixture
def temporary(tmp_path: Path) -> Path:
    """The folder in which the servers of a test create their temporary folders."""
    folder = tmp_path / "temporary"
    folder.mkdir()
    return folder


def test_the_temporary_folder_of_a_killed_server_is_removed_by_the_next(tmp_path: Path, temporary: Path) -> None:
    where = {"TMPDIR": str(temporary)}
    with serve_in(tmp_path, "--scenario", "empty", popen=subprocess.Popen, **where) as killed:
        ready(killed, tmp_path)
        killed.kill()
        killed.wait(60)
    [left] = temporary.iterdir()
    (temporary / "mockserver-of-somebody-else").mkdir()
    (tmp_path / "ready.json").unlink()
    with serve_in(tmp_path, "--scenario", "empty", **where) as process:
        ready(process, tmp_path)
        names = {path.name for path in temporary.iterdir()}
    assert left.name not in names
    assert len(names) == 2


def test_the_temporary_folder_of_a_running_server_is_left_alone(tmp_path: Path, temporary: Path) -> None:
    (tmp_path / "second").mkdir()
    where = {"TMPDIR": str(temporary)}
    with serve_in(tmp_path, "--scenario", "empty", **where) as first:
        url = ready(first, tmp_path)["url"]
        with serve_in(tmp_path / "second", "--scenario", "empty", **where) as second:
            ready(second, tmp_path / "second")
            assert len(list(temporary.iterdir())) == 2
            Control(url).call("POST", "reset")


# The cache of generated worlds


def find_cached_world(cache: Path) -> Path:
    [path] = (cache / "worlds").glob("*-empty-0-*.sqlite")
    return path


@pytest.mark.parametrize("damage", [remove, overwrite, replace_by_a_folder, zero_a_page])
def test_a_damaged_world_in_the_cache_is_generated_anew(tmp_path: Path, damage: Callable[[Path], None]) -> None:
    """Before a start, and while the server runs."""
    where = {"LABELBOX_MOCKSERVER_CACHE": str(tmp_path / "cache")}
    for number in range(2):
        with serve_in(tmp_path, "--scenario", "empty", **where) as process:
            control = Control(ready(process, tmp_path)["url"])
            damage(find_cached_world(tmp_path / "cache"))
            control.call("POST", "workspaces", {"api_key": f"key-{number}"})
            damage(find_cached_world(tmp_path / "cache"))
            control.call("POST", "reset", api_key=f"key-{number}")
            if number == 0:
                damage(find_cached_world(tmp_path / "cache"))
            process.terminate()
            _, log = process.communicate(timeout=60)
        assert log == ""
        (tmp_path / "ready.json").unlink(missing_ok=True)
