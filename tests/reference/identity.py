"""Which rows are of one change: they are joined by the names that they share, never by their trace."""

import re
from collections import defaultdict
from dataclasses import dataclass, field
from typing import Any

from otel_vsm.identity import change_root
from reference.rows import Key, Row, is_deployment, is_incident, is_work_item_event, key_of

_REQUEST = re.compile(r"#\d+$")
_FULL_SHA = re.compile(r"@([0-9a-f]{40}|[0-9a-f]{64})$")
_COMMIT = re.compile(r"@[^#@/]+$")


@dataclass
class Identities:
    """The changes of a ledger."""

    change_of_row: dict[Key, str] = field(default_factory=dict)
    """Change of every row that has one: by a name of its own, else as its trace's owner."""
    names: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    """Change → every name that it goes by, its id among them."""
    change_of_work: dict[str, str] = field(default_factory=dict)
    """Name, in `node` form → the change of work (no deployment) that goes by it."""
    changes_of_trace: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    """Trace → the changes that have rows in it, or whose trace it is by one of their names."""


def node(name: str) -> str:
    """A full sha is the same commit in every repository that has it."""
    sha = _FULL_SHA.search(name)
    return f"@{sha[1]}" if sha else name


def is_request(name: str) -> bool:
    return _REQUEST.search(name) is not None


def own_name(row: Row) -> str | None:
    """The name that a row gives its change; the ledger has put its request or revision there at need."""
    return None if is_incident(row) else row["change_id"]


def is_work(row: Row) -> bool:
    """Whether a row's request and revision name its change: a deployment's tell what is deployed."""
    event = row["event_name"] or ""
    return not (
        is_deployment(row)
        or is_incident(row)
        or is_work_item_event(row)
        or event.startswith(("service.", "deployment."))
    )


def all_names(row: Row) -> list[str]:
    """Every name that a row knows its change by."""
    own = own_name(row)
    if own is None:
        return []
    names = [own]
    if is_work(row) and row["repository"] is not None:
        if row["request"] is not None:
            names.append(f"{row['repository']}#{row['request']}")
        if row["revision"] is not None:
            names.append(revision_name(row))
    return names


def revision_name(row: Row) -> str:
    return f"{row['repository']}@{(row['revision'] or '').lower()}"


def rank(name: str) -> tuple[int, str]:
    """A request's name comes first, a commit's last."""
    if is_request(name):
        return 0, name
    return (2 if _COMMIT.search(name) else 1), name


def identified(rows: list[Row]) -> Identities:
    """Rows that share a name, directly or through others, are of one change."""
    found = Identities()
    change_of_name: dict[str, str] = {}
    for names in _changes(rows):
        first = min(names, key=rank)
        change_of_name |= dict.fromkeys(names, first)
        found.names[first] |= names
    for row in rows:
        own = own_name(row)
        if own is not None:
            change = change_of_name[own]
            found.change_of_row[key_of(row)] = change
            found.changes_of_trace[row["trace_id"]].add(change)
            if is_work(row):
                found.change_of_work |= {node(name): change for name in found.names[change]}
    owners = {trace: min(changes) for trace, changes in found.changes_of_trace.items()}
    for row in rows:
        nameless = own_name(row) is None and not is_incident(row)
        if nameless and row["trace_id"] in owners:
            change = found.change_of_row[key_of(row)] = owners[row["trace_id"]]
            if is_work(row):
                found.change_of_work |= {node(name): change for name in found.names[change]}
    for change, names in found.names.items():
        for name in names:
            found.changes_of_trace[change_root(name).trace_id].add(change)
    return found


def _changes(rows: list[Row]) -> list[set[str]]:
    """Names that are one, by rows that carry several of them: joined row by row, and never so that two
    requests of one repository would be one.

    First is joined what a request became, then by the request's number, last what names no request.
    """
    bases = {(own_name(row), row["base_name"]) for row in rows if row["base_name"] is not None}
    joins: list[tuple[tuple[Any, ...], str, str]] = []
    written: dict[str, set[str]] = defaultdict(set)
    for row in rows:
        own = own_name(row)
        for name in all_names(row):
            assert own is not None
            written[node(name)].add(name)
            became = row["event_name"] == "change.merged" or (own, row["ref_name"]) in bases
            result = is_request(own) and name == revision_name(row) and became
            one, other = sorted((node(own), node(name)))
            numbers = [int(name.rpartition("#")[2]) for name in (one, other) if is_request(name)]
            joins.append(((not result, min(numbers, default=float("inf")), one, other), one, other))
    group_of = {name: {name} for name in written}
    for _, one, other in sorted(joins):
        together = group_of[one] | group_of[other]
        requests = [name for name in together if is_request(name)]
        if len({name.rpartition("#")[0] for name in requests}) == len(requests):
            group_of |= dict.fromkeys(together, together)
    groups = {id(group): group for group in group_of.values()}.values()
    return [set().union(*(written[name] for name in group)) for group in groups]
