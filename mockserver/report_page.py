"""The page on which a report is shown: one HTML file that needs nothing else. Texts of others are escaped."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from html import escape

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


def build_page(title: str, lead: str, content: Iterable[str]) -> bytes:
    """Builds a page of lines of HTML under a title and a first paragraph, which are texts."""
    return replace_unprintable("\n".join(_lines(title, lead, content)) + "\n").encode("utf-8", "replace")


def _lines(title: str, lead: str, content: Iterable[str]) -> Iterator[str]:
    yield '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">'
    yield '<meta name="viewport" content="width=device-width, initial-scale=1">'
    yield f"<title>{escape(title)}</title>"
    yield f"<style>\n{STYLE}\n</style>\n</head>\n<body>\n<h1>{escape(title)}</h1>\n<p>{escape(lead)}</p>"
    yield from content
    yield "</body>\n</html>"


def render_case(name: str, *, verdict: str, kind: str, title: str, opened: bool, content: Iterable[str]) -> str:
    """Renders a case that can be folded. `kind`: `good`, `bad`, `warn` or `soft`; `content`: lines of HTML."""
    head = f'<span class="verdict {kind}">{escape(verdict)}</span> <code>{escape(name)}</code> {escape(title)}'
    mark = " open" if opened else ""
    lines = [f'<details{mark} id="{escape(name)}">', f"<summary>{head}</summary>", *content, "</details>"]
    return "\n".join(lines)


def render_mistake(title: str, name: str, *texts: str) -> str:
    """Renders the name of a mistake with what is known of it."""
    lines = "".join(f"<br>{escape(text)}" for text in texts)
    return f"<p><strong>{escape(title)}</strong> <code>{escape(name)}</code>{lines}</p>"


def render_folded(title: str, blocks: Iterable[tuple[str, str]]) -> str:
    """Renders texts behind a title that unfolds them; each has a line that says what it is, or none."""
    lines = [(f"<p>{escape(line)}</p>" if line else "") + f"<pre>{escape(text)}</pre>" for line, text in blocks]
    return "\n".join([f"<details><summary>{escape(title)}</summary>", *lines, "</details>"])


def replace_unprintable(text: str) -> str:
    """Replaces the characters that neither XML nor HTML can hold: a client or a receiver may send anything."""
    return re.sub(r"[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]", "\ufffd", text)
