"""Random worlds, small but nasty: hypothesis strategies of events in the language of the scenario files.

Whatever makes a ledger awkward is likely here: names shared by several changes, traces shared by strangers,
the same times everywhere, repeated spans with other content. Every world stands alone, so that many of them
can lie side by side in one ledger: `apart` gives the names of each a number.
"""

from hashlib import sha1
from typing import Any

from hypothesis import strategies as st

from scenarios.events import Span, spans_of_each
from scenarios.otlp import WORD

Event = dict[str, Any]
World = list[Event]

HOST, FORK = "github.com/acme", "github.com/fork"

# Few hours, so that much happens at the same time; and some on both sides of the 72 h of an incident window.
at = st.sampled_from([0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 12, 24, 25, 48, 72, 75, 76, 79, 81, 120]).map(
    lambda hour: f"{hour}h"
)
lasting = st.sampled_from(["0s", "30m", "1h", "2h", "30h"])
change = st.sampled_from([1, 2, 3, "shop@b", "a-name/of-its-own"])
repository = st.sampled_from(["shop", "shop", "shop", "cart", "fork"])
revision = st.sampled_from(["a", "b", "c", "B", "sha 1", "sha 2"])
service = st.sampled_from(["shop", "shop", "cart", "otel-vsm"])
environment = st.sampled_from(
    ["production", "production", "production", "prod-eu", "prod-us", "PROD", "staging"]
)
result = st.sampled_from(
    ["success", "success", "success", "failure", "error", "timeout", "cancellation", "skip", "weird"]
)
team = st.sampled_from(["red", "blue"])
stream = st.sampled_from(["checkout", "search"])
artifact = st.sampled_from(["x", "y"])
branch = st.sampled_from(["main", "develop"])
trace = st.sampled_from(["aaaa", "bbbb"])
span = st.sampled_from(["00000000000000aa", "00000000000000bb"])
item = st.sampled_from(["T-1", "T-2"])
deployment_id = st.sampled_from(["D1", "D2", "D3", "D4", "D5", "D6"])
incident_id = st.sampled_from(["I1", "I2"])
stage_name = st.sampled_from(["build", "test", "package", "lint", "e2e"])
severity = st.sampled_from(["critical", "high", "medium", "low"])

# Mostly after all that happens.
arrived = st.sampled_from(["0h", "200h", "200h", "200h"])

run = st.fixed_dictionaries(
    {"at": at, "stage": stage_name},
    optional={
        "for": lasting,
        "change": change,
        "request": st.sampled_from(["1", "2", "4"]),
        "repository": repository,
        "revision": revision,
        "ref_name": branch,
        "arrived": arrived,
        "base_name": branch,
        "result": result,
        "artifact_hash": artifact,
        "artifact_purl": artifact,
        "trace": trace,
        "span": span,
        "work_item_id": item,
        "team": team,
        "value_stream": stream,
        "service": service,
        "environment": environment,
        "queue_s": st.sampled_from([0.0, 60.0, 90000.0]),
        "stage_type": st.sampled_from(["package", None]),
    },
)
change_event = st.fixed_dictionaries(
    {
        "at": at,
        "event": st.sampled_from(
            [
                "change.first_commit",
                "change.first_commit",
                "change.opened",
                "change.ready",
                "change.reviewed",
                "change.approved",
                "change.merged",
                "change.merged",
                "change.merged",
                "change.abandoned",
                "work_item.created",
                "work_item.started",
                "work_item.blocked",
            ]
        ),
    },
    optional={
        "change": change,
        "request": st.sampled_from(["1", "2", "4"]),
        "repository": repository,
        "revision": revision,
        "ref_name": branch,
        "arrived": arrived,
        "reverts": change,
        "trace": trace,
        "span_id": span,
        "work_item_id": item,
        "team": team,
        "value_stream": stream,
    },
)
stage_event = st.fixed_dictionaries(
    {"at": at, "event": st.sampled_from(["stage.queued", "stage.queued", "stage.started"])}
    | {"stage_name": stage_name, "change": change},
    optional={"span_id": span, "parent_span_id": span, "revision": revision},
)
approval = st.fixed_dictionaries(
    {
        "at": at,
        "change": change,
        "event": st.sampled_from(["approval.requested", "approval.granted", "approval.denied"]),
    },
    optional={
        "gate": st.sampled_from(["g", "h"]),
        "actor_type": st.sampled_from(["human", "automation"]),
        "span_id": span,
    },
)
work_item = st.fixed_dictionaries(
    {
        "at": at,
        "work_item": item,
        "event": st.sampled_from(["created", "started", "blocked", "blocked", "unblocked"]),
    },
    optional={"span_id": span, "repository": repository},
)
deployment = st.fixed_dictionaries(
    {"at": at, "deploy": deployment_id},
    optional={
        "for": lasting,
        "change": change,
        "repository": repository,
        "revision": revision,
        "version": st.sampled_from(["1", "2"]),
        "result": result,
        "kind": st.sampled_from(["rollout", "rollback", "hotfix"]),
        "artifact_hash": artifact,
        "artifact_purl": artifact,
        "links": st.lists(change, max_size=2),
        "service": service,
        "environment": environment,
        "trace": trace,
        "span": span,
        "team": team,
        "value_stream": stream,
        "incident_id": incident_id,
        "work_item_id": item,
        "arrived": arrived,
    },
)
deployment_event = st.fixed_dictionaries(
    {"at": at, "event": st.just("deployment.started"), "deployment_id": deployment_id, "service": service},
    optional={"change": change, "links": st.lists(change, max_size=1), "environment": environment},
)
service_event = st.fixed_dictionaries(
    {"at": at, "event": st.just("service.started"), "service": service},
    optional={"revision": revision, "change": change},
)
incident = st.fixed_dictionaries(
    {
        "at": at,
        "incident": incident_id,
        "event": st.sampled_from(
            ["started", "started", "detected", "acknowledged", "mitigated", "resolved", "resolved"]
        ),
    },
    optional={
        "service": service,
        "environment": environment,
        "deployment": deployment_id,
        "severity": severity,
        "team": team,
        "span_id": span,
        "arrived": arrived,
        "causes": st.lists(st.tuples(trace, span), max_size=1),
    },
)

retraction = st.fixed_dictionaries({"at": at, "retract": st.integers(1, 8)}, optional={"arrived": arrived})

worlds: st.SearchStrategy[World] = st.lists(
    st.one_of(
        run,
        run,
        change_event,
        change_event,
        deployment,
        deployment,
        deployment,
        incident,
        incident,
        stage_event,
        approval,
        work_item,
        deployment_event,
        service_event,
        retraction,
    ),
    min_size=4,
    max_size=22,
)

_NAMED = (
    *("deploy", "deployment", "deployment_id", "incident", "incident_id", "work_item", "work_item_id"),
    *("service", "artifact_hash", "artifact_purl", "trace"),
)


def spans_of(side_by_side: list[World]) -> list[Span]:
    """What the ledger holds once all these worlds were told to one collector."""
    events: list[Event] = []
    for number, world in enumerate(side_by_side):
        first = len(events)
        for event in world:
            earlier = len(events) - first
            if "retract" not in event:
                events.append(apart(event, number))
            elif earlier:
                events.append(event | {"retract": first + 1 + event["retract"] % earlier})
    causes = [event.pop("causes", []) for event in events]
    ledger = []
    for span, linked in zip(spans_of_each(events), causes, strict=True):
        if span is None:
            continue
        row, links = span
        row.setdefault("change_id", _named_otherwise(row))
        targets = [{"linked_trace_id": trace_id, "linked_span_id": span_id} for trace_id, span_id in linked]
        source = {"trace_id": row["trace_id"], "span_id": row["span_id"]}
        ledger.append((row, [*links, *(source | target for target in targets)]))
    return ledger


def _named_otherwise(row: dict[str, Any]) -> str | None:
    """What the ledger calls the change of a row that does not name it: by its request, else its revision."""
    if "incident" in row["name"] or row.get("repository") is None:
        return None
    if row.get("request") is not None:
        return f"{row['repository']}#{row['request']}"
    elsewhere = row["name"].startswith(("work_item.", "service."))
    if row.get("revision") is not None and not elsewhere:
        return f"{row['repository']}@{row['revision'].lower()}"
    return None


def apart(event: Event, number: int) -> Event:
    """The event with every name that another world could share made this world's own.

    What OTLP spans say stays as it was sent.
    """
    if WORD in event:
        return dict(event)

    def own(name: str) -> str:
        return name if name == "otel-vsm" else f"{name}-{number}"

    event = dict(event)
    if "deploy" in event:
        event.setdefault("service", "shop")
    for key in _NAMED:
        if event.get(key) is not None:
            event[key] = own(event[key])
    if "incident" not in event and "work_item" not in event:
        event["repository"] = _repository(event.get("repository", "shop"), number)
    elif "repository" in event:
        event["repository"] = _repository(event["repository"], number)
    for key in ("change", "reverts"):
        if key in event:
            event[key] = _change(event[key], number)
    if "revision" in event:
        event["revision"] = _revision(event["revision"], number)
    if "links" in event:
        event["links"] = [_change(name, number) for name in event["links"]]
    if "causes" in event:
        event["causes"] = [(own(trace_id), span_id) for trace_id, span_id in event["causes"]]
    return event


def _repository(name: str, number: int) -> str:
    return f"{FORK}/shop-{number}" if name == "fork" else f"{HOST}/{name}-{number}"


def _change(name: str | int, number: int) -> str:
    if isinstance(name, int):
        return f"{HOST}/shop-{number}#{name}"
    repository, at_sign, commit = name.partition("@")
    return f"{HOST}/{repository}-{number}@{commit}" if at_sign else f"{name}-{number}"


def _revision(name: str, number: int) -> str:
    """A whole sha is the same commit in every repository, so it has to say whose world it is of."""
    return sha1(f"{name} {number}".encode()).hexdigest() if name.startswith("sha ") else name
