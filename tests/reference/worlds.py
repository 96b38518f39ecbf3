"""Random worlds, small but nasty: hypothesis strategies of events in the language of the scenario files.

Whatever makes a ledger awkward is likely here: names shared by several changes, traces shared by strangers,
the same times everywhere, repeated spans with other content. Every world stands alone, so that many of them
can lie side by side in one ledger: `apart` gives the names of each a number.
"""

import os
from hashlib import sha1
from typing import Any

from hypothesis import strategies as st

from scenarios.events import Span, spans_of_each
from scenarios.otlp import WORD

Event = dict[str, Any]
World = list[Event]

WORLDS = int(os.environ.get("OTEL_VSM_WORLDS", "150"))
"""How many of them a test looks at."""
SEED = int(os.environ.get("OTEL_VSM_WORLDS_SEED", "1"))

HOST, FORK = "github.com/acme", "github.com/fork"

# Few hours, so that much happens at the same time; some on both sides of the 72 h of an incident window, and
# one in 1998, which cannot be.
at = st.sampled_from([-240_000, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 12, 24, 25, 48, 72, 75, 76, 79, 81, 120]).map(
    lambda hour: f"{hour}h"
)
lasting = st.sampled_from(["0s", "30m", "1h", "2h", "30h", "50000h"])
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
anywhere = st.one_of(environment, st.none())
any_service = st.one_of(service, st.none())
deployment_id = st.sampled_from(["D1", "D2", "D3", "D4", "D5", "D6"])
incident_id = st.sampled_from(["I1", "I2"])
stage_name = st.sampled_from(["build", "test", "package", "lint", "e2e"])
severity = st.sampled_from(["critical", "high", "medium", "low"])
in_a_pipeline = {
    "pipeline_run": st.sampled_from(["P1", "P2"]),
    "attempt": st.sampled_from([1, 2]),
    "job_run": st.sampled_from(["J1", "J2"]),
    "leg": st.sampled_from(["linux", "mac"]),
}

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
        **in_a_pipeline,
    },
)
matrix = st.builds(
    lambda run, others: [run, *(run | other for other in others)],
    run.map(lambda event: {"change": 1, **{k: v for k, v in event.items() if k not in ("span", "trace")}}),
    st.lists(
        st.one_of(
            st.fixed_dictionaries({"trace": trace}),
            st.fixed_dictionaries({"leg": in_a_pipeline["leg"]}, optional={"result": result, "for": lasting}),
            st.fixed_dictionaries({"job_run": in_a_pipeline["job_run"], "result": result}),
            st.fixed_dictionaries(
                {"at": at, "result": result}, optional={"team": team, "revision": revision}
            ),
            st.fixed_dictionaries(
                {"at": at, "attempt": in_a_pipeline["attempt"]}, optional={"result": result}
            ),
            st.fixed_dictionaries({"at": at, "pipeline_run": in_a_pipeline["pipeline_run"]}),
        ),
        min_size=1,
        max_size=4,
    ),
)
"""Runs of one stage that are mostly alike: legs, attempts, and what is told twice."""
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
        "attempt": st.sampled_from([1, 2, 3]),
        "pipeline_run": st.sampled_from(["R1", "R2"]),
        "job": st.sampled_from(["deploy", "more"]),
        "leg": st.sampled_from(["eu", "us"]),
        "backfilled": st.booleans(),
        "result": result,
        "kind": st.sampled_from(["rollout", "rollback", "hotfix"]),
        "artifact_hash": artifact,
        "artifact_purl": artifact,
        "links": st.lists(change, max_size=2),
        "ancestors": st.lists(change, max_size=4),
        "gap": st.sampled_from(["cut_history", "something"]),
        "service": any_service,
        "environment": anywhere,
        "trace": trace,
        "span": span,
        "team": team,
        "value_stream": stream,
        "incident_id": incident_id,
        "work_item_id": item,
        **in_a_pipeline,
        "arrived": arrived,
    },
)
deployment_event = st.fixed_dictionaries(
    {
        "at": at,
        "event": st.just("deployment.started"),
        "deployment_id": deployment_id,
        "service": any_service,
    },
    optional={"change": change, "links": st.lists(change, max_size=1), "environment": environment}
    | {"ancestors": st.lists(change, max_size=2)},
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
        "deployment": st.one_of(deployment_id, st.just("D1/shop/production")),
        "severity": severity,
        "team": team,
        "span_id": span,
        "arrived": arrived,
        "causes": st.lists(st.tuples(trace, span), max_size=1),
    },
)


def _like(event: Event, **otherwise: Any) -> Event:
    """The event told by another span, with something else in it."""
    return {key: value for key, value in event.items() if key != "span"} | otherwise


rerun = st.tuples(
    deployment,
    st.lists(
        st.fixed_dictionaries(
            {"at": at},
            optional={
                "attempt": st.sampled_from([1, 2, 3, None]),
                "pipeline_run": st.sampled_from(["R1", "R2", None]),
                "job": st.sampled_from(["deploy", "more"]),
                "leg": st.sampled_from(["eu", "us", None]),
                "job_run": st.sampled_from(["J1", "J2", None]),
                "result": result,
                "for": lasting,
                "revision": revision,
                "service": any_service,
                "environment": anywhere,
                "backfilled": st.booleans(),
            },
        ),
        min_size=1,
        max_size=2,
    ),
).map(lambda told: [told[0], *(_like(told[0], **other) for other in told[1])])
"""Several jobs, legs or attempts of one id, or deployments that share it."""
twins = st.tuples(
    deployment,
    st.fixed_dictionaries(
        {"at": at, "deploy": deployment_id, "backfilled": st.just(True)},
        optional={
            "revision": st.one_of(revision, st.none()),
            "version": st.sampled_from(["1", "2", None]),
            "result": result,
            "links": st.lists(change, max_size=2),
        },
    ),
).map(lambda told: [_like(told[0], backfilled=False), _like(told[0], **told[1])])
"""A deployment that was told as it happened and backfilled as well."""
reverted_again = st.tuples(st.permutations([1, 2, 3]), st.lists(at, min_size=2, max_size=2)).map(
    lambda told: [
        {"at": when, "event": "change.merged", "change": one, "reverts": other}
        for when, one, other in zip(told[1], told[0], told[0][1:], strict=False)
    ]
)
"""What takes back a revert."""
retraction = st.fixed_dictionaries({"at": at, "retract": st.integers(1, 8)}, optional={"arrived": arrived})
single = st.one_of(
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
)
# What is one of several is as likely as each of them, where it is not chosen by a number.
_SEVERAL = {1: matrix, 2: rerun, 3: rerun, 4: twins, 5: reverted_again}
together = st.integers(1, 10).flatmap(lambda number: _SEVERAL.get(number, single.map(lambda event: [event])))
worlds: st.SearchStrategy[World] = st.lists(together, min_size=4, max_size=18).map(
    lambda parts: [event for part in parts for event in part]
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
        targets = [
            {"linked_trace_id": trace_id, "linked_span_id": span_id, "kind": None}
            for trace_id, span_id in linked
        ]
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
        if name == "otel-vsm":
            return name
        parts = name.split("/")  # of a deployment that is told apart by them: id, service and environment
        return "/".join((*(f"{part}-{number}" for part in parts[:2]), *parts[2:]))

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
    if event.get("revision") is not None:
        event["revision"] = _revision(event["revision"], number)
    for key in ("links", "ancestors"):
        if key in event:
            event[key] = [_change(name, number) for name in event[key]]
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
