"""The page of all cases of the contract, and of all mistakes that it names."""

from collections.abc import Iterator

from mockserver.contract import CASES
from mockserver.contract.cases import TITLES, Profile
from mockserver.contract.mistakes import MISTAKES

HEAD = """# Cases and mistakes of clients

Written by `make fixtures` from the program itself: what `mockserver contract` tries, and which mistakes it names.
[The contract for clients](contract.md) shows how to use it.

## Cases

A failed `must` breaks the contract. A failed `should` is a remark. `--case NAME` tries one, `--profile NAME` those of a
part.
"""
MISTAKES_HEAD = """## Mistakes

A report ends with these names, what each case has shown of them, and what to do.

| name | mistake | what to do | weight |
|---|---|---|---|"""


def describe_contract() -> str:
    """Describes each case by its profile, and each mistake."""
    return "\n".join([HEAD, *_describe_cases(), MISTAKES_HEAD, *_describe_mistakes(), ""])


def _describe_cases() -> Iterator[str]:
    for profile in Profile:
        yield from (f"### {TITLES[profile]}", "", f"`--profile {profile}`", "")
        yield from ("| case | what is tried | why | weight |", "|---|---|---|---|")
        for case in CASES:
            if case.profile is profile:
                yield f"| `{case.name}` | {case.title} | {case.why} | {case.level} |"
        yield ""


def _describe_mistakes() -> Iterator[str]:
    for mistake in MISTAKES:
        yield f"| `{mistake.name}` | {mistake.title}. | {mistake.advice} | {mistake.level} |"
