"""Laws that hold after a service was disturbed, whatever happened. Each function returns the violations in words."""

from collections import Counter
from collections.abc import Iterable

from contract_tests.receiving import Received
from contract_tests.replicas import exporting
from contract_tests.replicas.journal import Act, Export, Journal
from contract_tests.replicas.observing import Final

MADE_BY_SCENARIO = "image"
"""Names of projects, and beginnings of global keys, of the scenario."""


def check_names(what: str, key: str, seen: Iterable[str], acts: list[Act]) -> list[str]:
    """Everything acknowledged is seen, once; everything seen was attempted."""
    counts = Counter(name for name in seen if not name.startswith(MADE_BY_SCENARIO))
    violations = [f"{what} {name} of {key} was acknowledged and is lost" for name in names(acts, True) - set(counts)]
    violations += [f"{what} {name} of {key} was never requested" for name in set(counts) - names(acts)]
    return violations + [
        f"{what} {name} of {key} is there {count} times" for name, count in counts.items() if count > 1
    ]


def names(acts: Iterable[Act], acknowledged: bool | None = None) -> set[str]:
    return {act.name for act in acts if acknowledged in {None, act.acknowledged}}


def check_final(journal: Journal, final: Final) -> list[str]:
    """A workspace's projects, rows and labels are those that were acknowledged, and some that may have been made."""
    key = final.key
    rows, labelled = journal.find("row", key), journal.find("label", key)
    violations = check_names("project", key, final.projects, journal.find("project", key))
    violations += check_names("row", key, final.global_keys, rows + labelled)
    halves = {row["data_row"]["global_key"] for row in final.rows if not exporting.labels_of([row])}
    violations += [f"{name} of {key} is a half of a change" for name in halves & names(labelled)]
    if final.content != final.expected:
        violations.append(f"an export of {key} has other bytes than POST /_mock/expected")
    return violations


def check_export(journal: Journal, export: Export) -> list[str]:
    """Changes that were acknowledged before an export are in it; those begun after it are not."""
    if export.status == "FAILED":
        return [] if export.reason else [f"export {export.task} of {export.key} FAILED without a reason"]
    if export.status != "COMPLETE":
        return []
    rows = exporting.rows_of(export.content)
    seen = [row["data_row"]["global_key"] for row in rows]
    acts = journal.find("row", export.key) + journal.find("label", export.key)
    earlier = [act for act in acts if act.began <= export.after]
    settled = [act for act in earlier if act.ended is not None and act.ended <= export.before]
    place = f"export {export.task} of {export.key}"
    violations = [f"{place} lacks {name}, which was acknowledged before" for name in names(settled, True) - set(seen)]
    own = {name for name in seen if not name.startswith(MADE_BY_SCENARIO)}
    violations += [f"{place} has {name}, which was requested later or never" for name in own - names(earlier)]
    return violations + [f"{place} has {name} {count} times" for name, count in Counter(seen).items() if count > 1]


def check_same(first: Export, again: Export) -> list[str]:
    """An export that has ended stays as it was."""
    if first.status == "IN_PROGRESS":
        return []
    same = (first.status, first.content, first.reason) == (again.status, again.content, again.reason)
    before, after = (f"{each.status} {each.reason or ''} ({len(each.content)} characters)" for each in (first, again))
    return [] if same else [f"export {first.task} of {first.key} was {before}, and is {after}"]


def check_readings(journal: Journal) -> list[str]:
    """A reading has everything that was acknowledged, or that another one has shown, before it began; and nothing that
    was requested after it."""
    violations = []
    for reading in journal.readings:
        acts, began = journal.find("project", reading.key), reading.before
        settled = [act for act in acts if act.acknowledged and act.ended is not None and act.ended <= began]
        readings = [each for each in journal.readings if each.key == reading.key and each.after <= began]
        seen = {name for name in reading.names if not name.startswith(MADE_BY_SCENARIO)}
        place = f"a reading of {reading.key} at {began:.1f}"
        violations += [f"{place} lacks {name}, which was acknowledged before" for name in names(settled) - seen]
        earlier = {name for each in readings for name in each.names if not name.startswith(MADE_BY_SCENARIO)}
        violations += [f"{place} lacks {name}, which an earlier one has shown" for name in earlier - seen]
        requested = names(act for act in acts if act.began <= reading.after)
        violations += [f"{place} has {name}, which was requested later or never" for name in seen - requested]
    return violations


def check_messages(journal: Journal, final: Final, received: list[Received], *, ordered: bool) -> list[str]:
    """Every committed event was sent at least once, always with the same id and bytes, and nothing else was sent."""
    key, bodies = final.key, {item["id"]: item["body"].encode() for item in final.deliveries}
    mine = [item for item in received if item.path.endswith(f"/{key}")]
    violations = [f"delivery {id_} of {key} never arrived" for id_ in set(bodies) - {item.id for item in mine}]
    violations += [
        f"delivery {item['id']} of {key} is {item['state']}"
        for item in final.deliveries
        if item["state"] != "DELIVERED"
    ]
    for item in mine:
        if item.id not in bodies:
            violations.append(f"delivery {item.id} of {key} was sent, and is not on record")
        elif item.body != bodies[item.id]:
            violations.append(f"delivery {item.id} of {key} arrived with other bytes than those on record")
    violations += check_labels(journal, final)
    return violations + (check_order(final, mine) if ordered else [])


def check_labels(journal: Journal, final: Final) -> list[str]:
    """There is one delivery for each label that was made, and none for others."""
    reported = Counter(item["label_id"] for item in final.deliveries)
    present = set(exporting.labels_of([row for row in final.rows if not is_of_scenario(row)]))
    acknowledged = {act.answer["events"][1]["label_id"] for act in journal.find("label", final.key, acknowledged=True)}
    violations = [f"label {label} of {final.key} was acknowledged and is lost" for label in acknowledged - present]
    violations += [f"label {label} of {final.key} was not reported" for label in present - set(reported)]
    violations += [f"label {label} of {final.key} was reported and does not exist" for label in set(reported) - present]
    return violations + [
        f"label {label} of {final.key} was reported {n} times" for label, n in reported.items() if n > 1
    ]


def is_of_scenario(row: dict[str, dict[str, str]]) -> bool:
    return row["data_row"]["global_key"].startswith(MADE_BY_SCENARIO)


def check_order(final: Final, received: list[Received]) -> list[str]:
    """The first arrivals of an ordered webhook are in the order of the events."""
    order = {item["id"]: item["event_no"] for item in final.deliveries}
    arrivals = list(dict.fromkeys(item.id for item in received if item.id in order))
    numbers = [order[id_] for id_ in arrivals]
    return [] if numbers == sorted(numbers) else [f"messages of {final.key} arrived out of order: {numbers}"]


def check_requests(key: str, read: dict[int, str], recorded: dict[int, str]) -> list[str]:
    """A request that the journal has shown is there with its number, unless newer ones have taken its place."""
    oldest = min(recorded, default=0)
    return [
        f"request {number} in the journal of {key} was received at {received_at}, and now at {recorded.get(number)}"
        for number, received_at in read.items()
        if number >= oldest and recorded.get(number) != received_at
    ]


def check_workspaces(journal: Journal, keys: set[str]) -> list[str]:
    """Workspaces that were acknowledged exist, and those whose deletion was acknowledged do not."""
    created = [act for act in journal.acts if act.kind == "create"]
    attempted = {act.key for act in journal.acts if act.kind == "delete"}
    deleted = {act.key for act in journal.acts if act.kind == "delete" and act.acknowledged}
    acknowledged = {act.key for act in created if act.acknowledged}
    violations = [f"workspace {key} was acknowledged and is lost" for key in acknowledged - attempted - keys]
    violations += [f"workspace {key} was deleted and is there" for key in deleted & keys]
    return violations + [f"workspace {key} was never requested" for key in keys - {act.key for act in created}]


def check_fork(journal: Journal, fork: Act, projects: list[str]) -> list[str]:
    """A fork has what its source had when it was forked."""
    assert fork.ended is not None
    source = [act for act in journal.find("project", fork.name) if act.began <= fork.ended]
    settled = [act for act in source if act.ended is not None and act.ended <= fork.began]
    own = {name for name in projects if not name.startswith(MADE_BY_SCENARIO)}
    violations = [f"{fork.key} lacks {name} of its source" for name in names(settled, True) - own]
    return violations + [f"{fork.key} has {name}, which its source had not" for name in own - names(source)]


def check_clock(journal: Journal, key: str, moved: float) -> list[str]:
    """The clock was moved by what was acknowledged, and by no more than what was requested. In seconds."""
    acts = journal.find("clock", key)
    least = sum(int(act.name) for act in acts if act.acknowledged)
    most = sum(int(act.name) for act in acts)
    if least - 1 <= moved <= most + 1:
        return []
    return [f"the clock of {key} was moved by {moved:.1f} s; acknowledged were {least}, requested {most}"]
