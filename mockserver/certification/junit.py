"""The report as JUnit XML, which CI services show as tests."""

from __future__ import annotations

from xml.etree import ElementTree

from mockserver.certification.cases import Group
from mockserver.certification.judge import Result, Verdict
from mockserver.certification.report import Report
from mockserver.certification.text import as_text
from mockserver.report_page import replace_unprintable

SUITE = "webhook receiver"


def as_junit(report: Report, *, strict: bool = False) -> bytes:
    """Renders one suite for each group. With `strict`, remarks are failures too. Cases left out are skipped."""
    root = ElementTree.Element("testsuites", name=SUITE)
    for group in Group:
        _add_suite(root, group, report.results_of(group), strict=strict)
    _add_totals(root)
    ElementTree.SubElement(root[-1], "system-out").text = replace_unprintable(as_text(report))
    ElementTree.indent(root)
    xml: bytes = ElementTree.tostring(root, encoding="utf-8", xml_declaration=True)
    return xml


def _add_suite(root: ElementTree.Element, group: Group, results: list[Result], *, strict: bool) -> None:
    suite = ElementTree.SubElement(root, "testsuite", name=f"{SUITE}: {group}")
    for result in results:
        _add_case(suite, result, strict=strict)
    suite.set("tests", str(len(results)))
    suite.set("failures", str(len(suite.findall("testcase/failure"))))
    suite.set("errors", "0")
    suite.set("skipped", str(len(suite.findall("testcase/skipped"))))
    suite.set("time", f"{sum(result.seconds for result in results):.3f}")


def _add_case(suite: ElementTree.Element, result: Result, *, strict: bool) -> None:
    case = ElementTree.SubElement(
        suite,
        "testcase",
        classname=f"{SUITE}.{result.case.group}",
        name=f"{result.case.name}: {result.case.title}",
        time=f"{result.seconds:.3f}",
    )
    message = replace_unprintable(
        f"answered {result.summary}; expected {result.case.expect}; {result.remark}".removesuffix("; ")
    )
    if result.verdict is Verdict.FAILED or (strict and result.verdict is Verdict.REMARK):
        failure = ElementTree.SubElement(case, "failure", message=message, type=result.case.level)
        failure.text = f"{result.case.why}\n{result.case.advice}"
    elif result.verdict is Verdict.LEFT_OUT:
        ElementTree.SubElement(case, "skipped", message=message)
    else:
        ElementTree.SubElement(case, "system-out").text = message


def _add_totals(root: ElementTree.Element) -> None:
    for name in ("tests", "failures", "errors", "skipped"):
        root.set(name, str(sum(int(suite.get(name, "0")) for suite in root)))
