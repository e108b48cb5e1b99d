"""A real browser for tests of the page, Debian's chromium driven by Playwright; and axe, which judges accessibility."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Error, Page, sync_playwright

from contract_tests.clients.environments import EnvironmentNotBuilt, cache_folder

AXE = "4.10.3"
PATIENCE = 240_000
"""Milliseconds that a step may take: a busy machine is no failure."""
FLAGS = ["--no-sandbox", "--disable-gpu", "--in-process-gpu", "--renderer-process-limit=1"]
"""As few processes as chromium can have: each takes its time to start."""
SERIOUS = {"serious", "critical"}
OF_COLORS = ("color-contrast", "link-in-text-block")
"""The rules of axe about colors, which a scheme changes."""


@cache
def find_axe() -> Path:
    """The script of axe-core, installed by npm. Raises EnvironmentNotBuilt."""
    folder = cache_folder() / f"axe-core-{AXE}"
    script = folder / "node_modules" / "axe-core" / "axe.min.js"
    if script.is_file():
        return script
    npm = shutil.which("npm")
    if npm is None:
        raise EnvironmentNotBuilt("axe-core needs npm, which Debian has as the package npm")
    unfinished = folder.with_name(f"{folder.name}.{os.getpid()}")
    command = [npm, "install", "--no-audit", "--no-fund", "--prefix", str(unfinished), f"axe-core@{AXE}"]
    finished = subprocess.run(command, capture_output=True, text=True, check=False)
    if finished.returncode != 0:
        raise EnvironmentNotBuilt(f"axe-core {AXE} could not be installed: {finished.stderr}")
    try:
        unfinished.rename(folder)
    except OSError:  # another process was faster
        shutil.rmtree(unfinished, ignore_errors=True)
    return script


@contextmanager
def open_browser() -> Iterator[Browser]:
    """Debian's chromium without a window. Skips the test, with the reason, where there is none."""
    chromium = shutil.which("chromium")
    if chromium is None:
        pytest.skip("no chromium: .ci/debian-packages installs it where it may")  # the only tests that need it
    with sync_playwright() as driver:
        try:
            browser = driver.chromium.launch(executable_path=chromium, args=FLAGS, timeout=PATIENCE)
        except Error as error:
            pytest.skip(f"chromium does not start: {error}")  # containers without its sandbox
        yield browser
        browser.close()


def is_complaint(message: ConsoleMessage) -> bool:
    of_workspace = "api_key=" in message.location["url"]
    return message.type == "error" and not (of_workspace and "404 (Not Found)" in message.text)


@contextmanager
def open_page(browser: Browser, url: str, **options: Any) -> Iterator[Page]:
    """A page of its own context, whose paths are relative to `url`. A complaint of a script fails the test.

    A request that was on its way while a test deleted its workspace ends with 404, which browsers write to the
    console, too. The server's own workspace cannot be deleted, and addresses of the others have their key.
    """
    with browser.new_context(base_url=url, accept_downloads=True, **options) as context:
        context.set_default_timeout(PATIENCE)
        page = context.new_page()
        complaints: list[str] = []
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("console", lambda message: complaints.append(message.text) if is_complaint(message) else None)
        yield page
        assert complaints == [], complaints


def wait_until(page: Page, expression: str) -> None:
    """Waits until an expression is true in the page.

    `page.wait_for_function` does so only by luck: it evaluates from the page's own timers all but the first time, which
    a content policy without unsafe-eval forbids.
    """
    deadline = time.monotonic() + PATIENCE / 1000
    while not _is_true(page, expression):
        assert time.monotonic() < deadline, f"{expression} has not become true"
        page.wait_for_timeout(50)


def _is_true(page: Page, expression: str) -> bool:
    try:
        return bool(page.evaluate(expression))
    except Error as error:
        if "Execution context was destroyed" in error.message:  # the page is loaded again
            return False
        raise


def find_violations(page: Page, rules: Sequence[str] = ()) -> list[str]:
    """The serious findings of axe on the page, by these rules or by all: the rule, and the elements."""
    if not page.evaluate("'axe' in window"):
        # A content policy without unsafe-inline lets no tag be added; the debugger's own calls are not under it.
        page.evaluate(f"() => {{ {find_axe().read_text('utf-8')}\n }}")
    options = {"resultTypes": ["violations"]} | ({"runOnly": list(rules)} if rules else {})
    answer = page.evaluate("options => axe.run(document, options)", options)
    return [
        f"{rule['id']}: {[node['html'][:160] for node in rule['nodes'][:4]]}"
        for rule in answer["violations"]
        if rule["impact"] in SERIOUS
    ]


if __name__ == "__main__":
    try:
        print(find_axe())
    except EnvironmentNotBuilt as error:
        sys.exit(str(error))
