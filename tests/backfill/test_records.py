"""What is told of a history: three real ones against numbers computed with git alone, and the details."""

import json
import subprocess
import zlib
from collections.abc import Iterator
from pathlib import Path
from statistics import fmean, median
from typing import Any

import pytest

from otel_vsm.backfill.deliveries import deliveries
from otel_vsm.backfill.history import Commit, History, Tag, read_history
from otel_vsm.backfill.records import Target, record_count, records
from otel_vsm.identity import ChangeId, Repository, SpanReference, change_root
from otel_vsm.record import Record

HISTORIES = Path(__file__).parents[3] / "shared" / "fixtures" / "histories"
REPOSITORY = Repository("github.com/acme/shop")
TARGET = Target(repository=REPOSITORY, service="shop", environment="production", team="checkout")


def load(name: str, folder: Path) -> Path:
    stream = zlib.decompress((HISTORIES / f"{name}.fi.gz").read_bytes(), wbits=31)
    subprocess.run(["git", "init", "-q", "-b", "main", folder], check=True)
    subprocess.run(["git", "-C", folder, "fast-import", "--quiet"], input=stream, check=True)
    return folder


def figures(exported: list[Record]) -> dict[str, Any]:
    """What the records say, read as a collector reads them: ids, times and links, nothing else."""
    first_commits: dict[str, int] = {}
    numbered: dict[str, bool] = {}
    for event in exported:
        if event.attributes.get("vsm.event.name") == "change.first_commit":
            first_commits[event.trace_id] = event.start_ns
            numbered[event.trace_id] = "vcs.change.id" in event.attributes
    delivered: dict[str, int] = {}
    per_deployment = []
    deployments = [record for record in exported if "deployment.id" in record.attributes]
    for span in sorted(deployments, key=lambda span: (span.end_ns, str(span.attributes["service.version"]))):
        carried = {link.trace_id for link in span.links}
        if span.trace_id not in delivered:
            carried.add(span.trace_id)
        for trace in carried:
            delivered.setdefault(trace, span.end_ns)
        per_deployment.append(
            {
                "tag": span.attributes["service.version"],
                "revision": span.attributes["vcs.ref.head.revision"],
                "at": span.end_ns // 10**9,
                "changes": len(carried),
            }
        )
    lead_times = [(at - first_commits[trace]) / 1e9 for trace, at in delivered.items()]
    counted = [lead_time for lead_time in lead_times if lead_time >= 0]
    return {
        "deployments": len(per_deployment),
        "changes_delivered": len(delivered),
        "excluded_clock_skew": len(lead_times) - len(counted),
        "lead_time_s": {
            "count": len(counted),
            "mean": round(fmean(counted), 3),
            "p50": median(counted),
            "max": max(counted),
        },
        "numbered": sum(numbered[trace] for trace in delivered),
        "per_deployment": per_deployment,
    }


@pytest.mark.skipif(not HISTORIES.is_dir(), reason="the histories are not beside this checkout")
@pytest.mark.parametrize("name", ["httpx", "click", "sqlite-utils"])
def test_a_real_history_gives_the_numbers_that_git_gives(name: str, tmp_path: Path) -> None:
    expected = json.loads((HISTORIES / f"{name}.expect.json").read_text())
    delivered = deliveries(read_history(load(name, tmp_path / name)), REPOSITORY)
    exported = list(records(delivered, TARGET))
    assert figures(exported) == expected
    assert len(exported) == record_count(delivered)
    ids = {(record.trace_id, record.span_id) for record in exported}
    assert len(ids) == len(exported)


def shop() -> Iterator[Record]:
    """v1 = a; v2 = request 7 (x, merged by m) and b; the tag old is x again; v3 = more of request 7."""
    commits = [
        Commit("a", (), 100, 110, None),
        Commit("x", ("a",), 120, 130, None),
        Commit("m", ("a", "x"), 140, 150, 7),
        Commit("b", ("m",), 160, 170, None),
        Commit("more", ("b",), 300, 310, 7),
    ]
    tags = (Tag("v1", "a", 115), Tag("v2", "b", 180), Tag("old", "x", 200), Tag("v3", "more", 320))
    history = History(commits={one.sha: one for one in commits}, tags=tags, head="more", shallow=False)
    return records(deliveries(history, REPOSITORY), TARGET)


def root(change: str) -> SpanReference:
    return change_root(ChangeId(f"{REPOSITORY}{change}"))


def test_a_change_is_told_by_two_events_in_its_trace() -> None:
    exported = [record for record in shop() if record.trace_id == root("#7").trace_id]
    first_commit, merged = (record for record in exported if "vsm.event.name" in record.attributes)
    common = {
        "vsm.change.id": "github.com/acme/shop#7",
        "vcs.repository.url.full": "https://github.com/acme/shop",
        "vcs.change.id": "7",
        "vcs.ref.head.revision": "m",
        "vsm.team": "checkout",
    }
    assert dict(first_commit.attributes) == common | {"vsm.event.name": "change.first_commit"}
    assert dict(merged.attributes) == common | {"vsm.event.name": "change.merged"}
    assert (first_commit.name, first_commit.start_ns, first_commit.end_ns) == (
        "change.first_commit", 120 * 10**9, 120 * 10**9
    )  # fmt: skip
    assert (merged.start_ns, merged.end_ns) == (150 * 10**9, 150 * 10**9)
    assert first_commit.parent_span_id == merged.parent_span_id == root("#7").span_id


def test_a_deployment_lives_in_its_heads_trace_and_links_to_the_others() -> None:
    v1, v2, old, v3 = (record for record in shop() if "deployment.id" in record.attributes)
    assert (v2.trace_id, v2.parent_span_id) == root("@b")
    assert v2.links == (root("#7"),)
    assert {key: value for key, value in v2.attributes.items() if key != "deployment.id"} == {
        "vsm.change.id": "github.com/acme/shop@b",
        "vcs.repository.url.full": "https://github.com/acme/shop",
        "vcs.ref.head.revision": "b",
        "vsm.team": "checkout",
        "vsm.stage.name": "deploy",
        "vsm.stage.type": "deploy",
        "vsm.deployment.kind": "rollout",
        "cicd.pipeline.task.run.result": "success",
        "service.name": "shop",
        "service.version": "v2",
        "deployment.environment.name": "production",
    }
    assert (v2.start_ns, v2.end_ns, v2.failed) == (180 * 10**9, 180 * 10**9, False)
    assert v1.links == ()
    # Nothing new: in the trace of the request that brought x in, which v2 delivered.
    assert (old.trace_id, old.links) == (root("#7").trace_id, ())
    # Its head was delivered before, and comes again with another commit: only a link to its own root says so.
    assert (v3.trace_id, v3.links) == (root("#7").trace_id, (root("#7"),))


def test_a_second_run_tells_the_same_and_another_service_or_environment_other_deployments() -> None:
    assert list(shop()) == list(shop())
    history = History(
        commits={"a": Commit("a", (), 1, 1, None)}, tags=(Tag("v1", "a", 1),), head="a", shallow=False
    )
    delivered = deliveries(history, REPOSITORY)
    targets = [
        TARGET,
        Target(repository=REPOSITORY, service="admin", environment="production"),
        Target(repository=REPOSITORY, service="shop", environment="staging"),
    ]
    exported = [list(records(delivered, target))[-1] for target in targets]
    assert (
        len({span.span_id for span in exported})
        == len({span.attributes["deployment.id"] for span in exported})
        == 3
    )
