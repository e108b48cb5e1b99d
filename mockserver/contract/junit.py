"""The report as JUnit XML, which CI services show as tests."""

from __future__ import annotations

from xml.etree import ElementTree

from mockserver.contract.cases import TITLES, Profile
from mockserver.contract.mistakes import BY_NAME
from mockserver.contract.results import Report, Result, Verdict
from mockserver.contract.text import as_text
from mockserver.report_page import replace_unprintable

SUITE = "client contract"
SKIPPED = {Verdict.NOT_OFFERED, Verdict.KNOWN}


def as_junit(report: Report, *, strict: bool = False) -> bytes:
    """Renders one suite for each profile. With `strict`, remarks are failures too."""
    root = ElementTree.Element("testsuites", name=SUITE)
    for profile in Profile:
        results = report.results_of(profile)
        if results:
            _add_suite(root, TITLES[profile], results, strict=strict)
    for name in ("tests", "failures", "errors", "skipped"):
        root.set(name, str(sum(int(suite.get(name, "0")) for suite in root)))
    ElementTree.SubElement(root[-1], "system-out").text = replace_unprintable(as_text(report))
    ElementTree.indent(root)
    xml: bytes = ElementTree.tostring(root, encoding="utf-8", xml_declaration=True)
    return xml


def _add_suite(root: ElementTree.Element, title: str, results: list[Result], *, strict: bool) -> None:
    suite = ElementTree.SubElement(root, "testsuite", name=f"{SUITE}: {title}")
    for result in results:
        _add_case(suite, title, result, strict=strict)
    suite.set("tests", str(len(results)))
    suite.set("failures", str(len(suite.findall("testcase/failure"))))
    suite.set("errors", "0")
    suite.set("skipped", str(len(suite.findall("testcase/skipped"))))
    suite.set("time", f"{sum(result.seconds for result in results):.3f}")


def _add_case(suite: ElementTree.Element, title: str, result: Result, *, strict: bool) -> None:
    case = ElementTree.SubElement(
        suite,
        "testcase",
        classname=f"{SUITE}.{title}",
        name=f"{result.case.name}: {result.case.title}",
        time=f"{result.seconds:.3f}",
    )
    message = replace_unprintable(result.summary)
    if result.fails or (strict and result.verdict is Verdict.REMARK):
        failure = ElementTree.SubElement(case, "failure", message=message, type=result.case.level)
        failure.text = replace_unprintable("\n".join([*_findings(result), result.case.why]))
    elif result.verdict in SKIPPED:
        ElementTree.SubElement(case, "skipped", message=message)
    else:
        ElementTree.SubElement(case, "system-out").text = message


def _findings(result: Result) -> list[str]:
    return [
        f"[{finding.mistake}] {BY_NAME[finding.mistake].title}: {finding.detail}\ndo: {BY_NAME[finding.mistake].advice}"
        for finding in result.findings
    ]
