"""The outcomes of the cases of the contract with each version of the SDK, as a file and as a part of a page."""

import json
from collections import defaultdict
from collections.abc import Iterable, Iterator
from pathlib import Path

from contract_tests.clients.environments import SDKS
from mockserver.contract import choose_cases
from mockserver.contract.cases import TITLES, Profile
from mockserver.contract.mistakes import BY_NAME

RESULTS = Path(__file__).with_name("contract_results.json")
NOT_OFFERED = "not offered"
MOST_CASES = 3
"""Cases that a cell of the page names."""

CONTRACT = (
    "## The contract",
    "",
    "Each version of the official SDK, tried with all cases of [the contract](contract.md), by the calls that its",
    "users make. `14 of 15`: of fifteen cases that the version offers, fourteen show no mistake. *–*: it offers none.",
    "",
)
MISTAKES = (
    "### What a version lacks",
    "",
    "Mistakes of the SDK itself, with the service as with this server: what its users have to expect.",
    "",
)
MISSING = (
    "### What a version does not have",
    "",
    "Cases that are not judged, because the version has no call for them. None has one that gives raw frames.",
    "",
)

Outcomes = dict[str, str]
"""Case -> `passed`, `not offered: reason`, or the names of the mistakes that it has shown."""


def load_results() -> dict[str, Outcomes]:
    """The results of each version, as they were found last."""
    results: dict[str, Outcomes] = json.loads(RESULTS.read_text("utf-8")) if RESULTS.exists() else {}
    return {version: results[version] for version in SDKS if version in results}


def render_section(results: dict[str, Outcomes]) -> list[str]:
    """The part of the page about the contract, as lines."""
    return [
        *CONTRACT, *render_profiles(results), "", *MISTAKES, *render_mistakes(results), "",
        *MISSING, *render_missing(results), "",
    ]  # fmt: skip


def render_profiles(results: dict[str, Outcomes]) -> Iterator[str]:
    profiles = [profile for profile in Profile if profile not in {Profile.LARGE, Profile.FRAMES}]
    cases = {profile: [case.name for case in choose_cases(profiles=[profile])] for profile in profiles}
    yield f"| SDK | {' | '.join(TITLES[profile].lower() for profile in profiles)} |"
    yield "|---" * (1 + len(profiles)) + "|"
    for version, outcomes in results.items():
        cells = (render_cell([outcomes[name] for name in cases[profile] if name in outcomes]) for profile in profiles)
        yield f"| {version} | {' | '.join(cells)} |"


def render_cell(outcomes: list[str]) -> str:
    offered = [outcome for outcome in outcomes if not outcome.startswith(NOT_OFFERED)]
    passed = [outcome for outcome in offered if outcome == "passed"]
    return f"{len(passed)} of {len(offered)}" if offered else "–"


def render_mistakes(results: dict[str, Outcomes]) -> Iterator[str]:
    """Each mistake with its versions, the weightiest first."""
    found_mistakes: dict[str, dict[str, list[str]]] = defaultdict(lambda: defaultdict(list))
    for version, outcomes in results.items():
        for case, outcome in outcomes.items():
            if outcome != "passed" and not outcome.startswith(NOT_OFFERED):
                for mistake in outcome.split():
                    found_mistakes[mistake][version].append(case)
    yield "| mistake | weight | versions | cases |"
    yield "|---|---|---|---|"
    levels = [*type(next(iter(BY_NAME.values())).level)]
    for name in sorted(found_mistakes, key=lambda name: (levels.index(BY_NAME[name].level), [*BY_NAME].index(name))):
        versions = found_mistakes[name]
        cases = dict.fromkeys(case for names in versions.values() for case in names)
        title = f"{BY_NAME[name].title} (`{name}`)"
        yield f"| {title} | {BY_NAME[name].level} | {render_versions(versions)} | {render_cases([*cases])} |"


def render_missing(results: dict[str, Outcomes]) -> Iterator[str]:
    """Each reason with its versions and cases."""
    reasons: dict[str, dict[str, list[str]]] = defaultdict(lambda: defaultdict(list))
    for version, outcomes in results.items():
        for case, outcome in outcomes.items():
            if outcome.startswith(NOT_OFFERED):
                reasons[outcome.removeprefix(f"{NOT_OFFERED}: ")][version].append(case)
    yield "| what is missing | versions | cases |"
    yield "|---|---|---|"
    for reason, versions in reasons.items():
        cases = dict.fromkeys(case for names in versions.values() for case in names)
        yield f"| {reason} | {render_versions(versions)} | {render_cases([*cases])} |"


def render_versions(versions: Iterable[str]) -> str:
    """`3.37.0 to 3.52.0, 4.0.0`: neighbours of the table of versions are joined."""
    order = [*SDKS]
    groups: list[list[str]] = []
    for version in sorted(versions, key=order.index):
        if groups and order.index(version) == order.index(groups[-1][-1]) + 1:
            groups[-1].append(version)
        else:
            groups.append([version])
    if groups == [order]:
        return "all"
    return ", ".join(group[0] if len(group) == 1 else f"{group[0]} to {group[-1]}" for group in groups)


def render_cases(cases: list[str]) -> str:
    more = f" and {len(cases) - MOST_CASES} more" if len(cases) > MOST_CASES else ""
    return ", ".join(f"`{case}`" for case in cases[:MOST_CASES]) + more
