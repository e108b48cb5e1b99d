"""The page about faults has every fault, with its words, its options and how often it hits."""

import json
from typing import Any

from contract_tests.rules.pages import REPOSITORY, bare, section, table
from mockserver.faults.kinds import KINDS
from mockserver.faults.rule import FaultRule


def format_option(name: str, default: Any) -> str:
    return f"`{name}` {json.dumps(default)}" if isinstance(default, (int, float)) else f"`{name}`"


def test_every_fault_is_documented_with_its_words_and_options() -> None:
    documented = {bare(name): rest for name, *rest in table(section("docs/faults.md", "What can fail"))}
    assert documented == {
        name: [
            kind.summary,
            ", ".join(format_option(*option) for option in kind.options.items()) or "none",
            "every" if kind.times is None else str(kind.times),
        ]
        for name, kind in KINDS.items()
    }


def test_every_key_of_a_rule_is_documented() -> None:
    text = (REPOSITORY / "docs/faults.md").read_text()
    assert [name for name in FaultRule.__struct_fields__ if f"`{name}`" not in text] == []
