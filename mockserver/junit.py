"""Reports as JUnit XML, which CI services show as tests."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple
from xml.etree import ElementTree

from mockserver.report_page import replace_unprintable

COUNTS = ("tests", "failures", "errors", "skipped")


class Case(NamedTuple):
    """A case of a suite. It has failed if it has the text of a failure, of the kind `level`."""

    name: str
    seconds: float
    message: str
    level: str
    failure: str | None = None
    skipped: bool = False


def render_junit(name: str, suites: Sequence[tuple[str, Sequence[Case]]], output: str) -> bytes:
    """Renders a report with its suites; `output` is the report as text."""
    root = ElementTree.Element("testsuites", name=name)
    for title, cases in suites:
        _add_suite(root, name, title, cases)
    for count in COUNTS:
        root.set(count, str(sum(int(suite.get(count, "0")) for suite in root)))
    ElementTree.SubElement(root[-1], "system-out").text = replace_unprintable(output)
    ElementTree.indent(root)
    xml: bytes = ElementTree.tostring(root, encoding="utf-8", xml_declaration=True)
    return xml


def _add_suite(root: ElementTree.Element, name: str, title: str, cases: Sequence[Case]) -> None:
    suite = ElementTree.SubElement(root, "testsuite", name=f"{name}: {title}")
    for case in cases:
        _add_case(suite, f"{name}.{title}", case)
    suite.set("tests", str(len(cases)))
    suite.set("failures", str(len(suite.findall("testcase/failure"))))
    suite.set("errors", "0")
    suite.set("skipped", str(len(suite.findall("testcase/skipped"))))
    suite.set("time", f"{sum(case.seconds for case in cases):.3f}")


def _add_case(suite: ElementTree.Element, class_name: str, case: Case) -> None:
    element = ElementTree.SubElement(
        suite, "testcase", classname=class_name, name=case.name, time=f"{case.seconds:.3f}"
    )
    message = replace_unprintable(case.message)
    if case.failure is not None:
        failure = ElementTree.SubElement(element, "failure", message=message, type=case.level)
        failure.text = replace_unprintable(case.failure)
    elif case.skipped:
        ElementTree.SubElement(element, "skipped", message=message)
    else:
        ElementTree.SubElement(element, "system-out").text = message
