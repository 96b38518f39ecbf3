"""Changes: when what happened to them, and from when on their lead time counts."""

from collections import defaultdict
from dataclasses import dataclass, field
from typing import Any

from otel_vsm.identity import change_root
from otel_vsm_collector.declared.profiles import Profile
from reference.identity import Identities, is_request
from reference.rows import Row, distinct, is_run, is_work_item_event, key_of, smallest

_NO_ACTIVITY = ("work_item.created", "work_item.blocked", "work_item.unblocked")


@dataclass(eq=False)
class Change:
    """One change and what is known of it."""

    id: str
    aliases: list[str]
    rows: list[Row]
    item_rows: list[Row]
    """The events of the work items that its rows name."""
    events: dict[str, int] = field(default_factory=dict)
    """Name of an event → its earliest moment."""

    def __post_init__(self) -> None:
        for row in (*self.rows, *self.item_rows):
            if row["event_name"] is not None:
                earlier = self.events.get(row["event_name"], row["started_at"])
                self.events[row["event_name"]] = min(earlier, row["started_at"])

    @property
    def first_seen_at(self) -> int:
        return min(int(row["started_at"]) for row in self.rows)

    @property
    def first_activity_at(self) -> int | None:
        active = [row["started_at"] for row in self.rows if row["event_name"] not in _NO_ACTIVITY]
        active += [row["started_at"] for row in self.item_rows if row["event_name"] == "work_item.started"]
        return min(active, default=None)

    @property
    def repository(self) -> str | None:
        told = smallest(self.rows, "repository")
        if told is None and ("#" in self.id or "@" in self.id):
            return self.id[: max(self.id.rfind("#"), self.id.rfind("@"))]
        return told

    @property
    def teams(self) -> list[str]:
        return distinct(self.rows, "team")

    @property
    def value_streams(self) -> list[str]:
        return distinct(self.rows, "value_stream")

    @property
    def services(self) -> list[str]:
        """The services that its runs are about."""
        return distinct((row for row in self.rows if is_run(row)), "service")

    @property
    def reverts(self) -> list[str]:
        """The names of the changes that it takes back."""
        return sorted({name for told in distinct(self.rows, "reverts") for name in told.split("\n")})

    @property
    def trace_id(self) -> str:
        traces = {row["trace_id"] for row in self.rows}
        own = change_root(self.id).trace_id
        return own if own in traces else min(traces)

    @property
    def is_merged_request(self) -> bool:
        return any(is_request(name) for name in (self.id, *self.aliases)) and "change.merged" in self.events

    def start(self, profile: Profile) -> tuple[str, int] | None:
        """By what lead time starts, and when."""
        for point in profile.lead_time_start:
            if point == "span":
                return "span", self.first_seen_at
            if point in self.events:
                return point, self.events[point]
        return None


def changes(rows: list[Row], identities: Identities) -> dict[str, Change]:
    rows_of: dict[str, list[Row]] = defaultdict(list)
    events_of_item: dict[str, list[Row]] = defaultdict(list)
    for row in rows:
        if is_work_item_event(row):
            events_of_item[row["work_item_id"]].append(row)
        if change := identities.change_of_row.get(key_of(row)):
            rows_of[change].append(row)
    found = {}
    for change, own_rows in rows_of.items():
        items = distinct(own_rows, "work_item_id")
        own_keys = {key_of(row) for row in own_rows}
        found[change] = Change(
            id=change,
            aliases=sorted(identities.names[change] - {change}),
            rows=own_rows,
            item_rows=[row for item in items for row in events_of_item[item] if key_of(row) not in own_keys],
        )
    return found


LEGS = {
    "backlog_s": ("work_item.created", "work_item.started"),
    "preparation_s": ("work_item.started", "change.first_commit"),
    "coding_s": ("change.first_commit", "change.opened"),
    "pickup_s": ("change.opened", "change.reviewed"),
    "review_s": ("change.reviewed", "change.merged"),
    "release_s": ("change.merged", "deploy started"),
    "deploy_s": ("deploy started", "delivered"),
    "merge_to_deployed_s": ("change.merged", "delivered"),
}
SECOND = 10**9


def legs(change: Change, deploy_started_at: int | None, delivered_at: int | None) -> dict[str, float | None]:
    """The parts of a lead time; what is not known, or would be negative, is null."""
    moments: dict[str, Any] = {
        **change.events,
        "deploy started": deploy_started_at,
        "delivered": delivered_at,
    }
    return {name: _length(moments.get(start), moments.get(end)) for name, (start, end) in LEGS.items()}


def _length(start: int | None, end: int | None) -> float | None:
    if start is None or end is None or end < start:
        return None
    return (end - start) / SECOND
