"""The report as one HTML file that needs nothing else: findings, and each exchange with a curl line."""

from __future__ import annotations

from collections.abc import Iterator
from html import escape

from mockserver.certification.junit import replace_unprintable
from mockserver.contract.cases import TITLES, Profile
from mockserver.contract.exchanges import describe, render_bodies, render_curl
from mockserver.contract.mistakes import BY_NAME
from mockserver.contract.results import Report, Result, Verdict
from mockserver.contract.text import summarise

MOST_EXCHANGES = 200
"""Exchanges of one case that are shown."""
CLASSES = {Verdict.PASSED: "good", Verdict.FAILED: "bad", Verdict.UNEXPECTED: "bad", Verdict.REMARK: "warn"}
STYLE = """
:root { color-scheme: light dark; --line: #8885; --soft: #888; --code: #8882; }
body { max-width: 70rem; margin: 0 auto; padding: 1rem; font: 16px/1.5 system-ui, sans-serif; }
summary { cursor: pointer; padding: .15rem 0; }
details details { margin-left: 1.2rem; }
pre { background: var(--code); padding: .6rem; overflow-x: auto; white-space: pre-wrap; overflow-wrap: anywhere; }
.verdict { display: inline-block; min-width: 6rem; font-weight: 600; }
.good { color: #1a7f37; } .bad { color: #d1242f; } .warn { color: #9a6700; }
.soft { color: var(--soft); }
""".strip()


def as_html(report: Report) -> bytes:
    """Renders the page. A case that did not pass is open."""
    return replace_unprintable("\n".join(_lines(report)) + "\n").encode("utf-8", "replace")


def _lines(report: Report) -> Iterator[str]:
    title = f"The contract of {escape(report.client)}"
    yield '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">'
    yield f'<meta name="viewport" content="width=device-width, initial-scale=1">\n<title>{title}</title>'
    yield f"<style>\n{STYLE}\n</style>\n</head>\n<body>\n<h1>{title}</h1>\n<p>{escape(summarise(report))}</p>"
    for profile in Profile:
        results = report.results_of(profile)
        if results:
            yield f"<h2>{escape(TITLES[profile])}</h2>"
            for result in results:
                yield from _case(result)
    yield "</body>\n</html>"


def _case(result: Result) -> Iterator[str]:
    case = result.case
    opened = " open" if result.fails or result.verdict is Verdict.REMARK else ""
    kind = CLASSES.get(result.verdict, "soft")
    yield f'<details{opened} id="{case.name}">'
    yield f'<summary><span class="verdict {kind}">{result.verdict}</span> <code>{case.name}</code>'
    yield f"{escape(case.title)}: {escape(result.summary)}</summary>"
    yield f'<p class="soft">{escape(case.why)} ({case.level}, {result.seconds:.1f} s)</p>'
    for finding in result.findings:
        mistake = BY_NAME[finding.mistake]
        yield f"<p><strong>{escape(mistake.title)}</strong> <code>{finding.mistake}</code><br>{escape(finding.detail)}"
        yield f"<br>{escape(mistake.advice)}</p>"
    for entry in result.requests[:MOST_EXCHANGES]:
        yield f"<details><summary>{escape(describe(entry))}</summary>"
        yield f"<pre>{escape(render_curl(entry, result.api_key))}</pre>"
        yield from (f"<p>{side}</p><pre>{escape(body)}</pre>" for side, body in render_bodies(entry))
        yield "</details>"
    yield "</details>"
