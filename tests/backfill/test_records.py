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
from otel_vsm.backfill.history import Commit, History, read_history
from otel_vsm.backfill.records import Target, record_count, records
from otel_vsm.backfill.tags import Tag
from otel_vsm.identity import ChangeId, Repository, SpanReference, change_root
from otel_vsm.message import Revert
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
@pytest.mark.parametrize(("options", "globs"), [("all-tags", ["*"]), ("default", [])])
@pytest.mark.parametrize("name", ["httpx", "click", "sqlite-utils"])
def test_a_real_history_gives_the_numbers_that_git_gives(
    name: str, options: str, globs: list[str], tmp_path: Path
) -> None:
    expected = json.loads((HISTORIES / f"{name}.{options}.json").read_text())
    delivered = deliveries(read_history(load(name, tmp_path / name), tags=globs), REPOSITORY)
    exported = list(records(delivered, TARGET))
    assert figures(exported) == expected
    assert len(exported) == record_count(delivered)
    ids = {(record.trace_id, record.span_id) for record in exported}
    assert len(ids) == len(exported)


def tag(name: str, commit: str, at: int) -> Tag:
    return Tag(name=name, commit=commit, revision=commit, at_s=at)


def shop() -> Iterator[Record]:
    """v1 = a; v2 = request 7 (x, merged by m) and b; the tag old is x again; v3 = more of request 7."""
    commits = [
        Commit("a", (), 100, 110, None),
        Commit("x", ("a",), 120, 130, None),
        Commit("m", ("a", "x"), 140, 150, 7),
        Commit("b", ("m",), 160, 170, None),
        Commit("more", ("b",), 300, 310, 7),
    ]
    tags = (tag("v1", "a", 115), tag("v2", "b", 180), tag("old", "x", 200), tag("v3", "more", 320))
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
        "vcs.owner.name": "acme",
        "vcs.repository.name": "shop",
        "vcs.change.id": "7",
        "vcs.ref.head.revision": "m",
        "vsm.team": "checkout",
        "vsm.backfilled": True,
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
        "vcs.owner.name": "acme",
        "vcs.repository.name": "shop",
        "vcs.ref.head.revision": "b",
        "vsm.team": "checkout",
        "vsm.backfilled": True,
        "cicd.pipeline.task.name": "deploy",
        "cicd.pipeline.task.type": "deploy",
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


def test_a_deployment_is_its_service_environment_tag_and_commit_whatever_the_repositorys_name() -> None:
    assert list(shop()) == list(shop())

    def ids(
        service: str = "shop", environment: str = "production", name: str = "v1", commit: str = "a",
        repository: str = REPOSITORY,
    ) -> tuple[str, object]:  # fmt: skip
        commits = {sha: Commit(sha, (), 1, 1, None) for sha in "ab"}
        history = History(commits=commits, tags=(tag(name, commit, 1),), head="a", shallow=False)
        target = Target(repository=Repository(repository), service=service, environment=environment)
        delivered = deliveries(history, target.repository)
        (span,) = (one for one in records(delivered, target) if "deployment.id" in one.attributes)
        return span.span_id, span.attributes["deployment.id"]

    others = [ids(service="admin"), ids(environment="staging"), ids(name="v2"), ids(commit="b")]
    assert len({ids(), *others}) == 5
    assert len({id for _, id in (ids(), *others)}) == 5
    assert ids(repository="github.com/acme/store") == ids()


def test_of_tags_of_one_second_the_later_began_later_and_all_ended_then() -> None:
    commits = [Commit("a", (), 1, 1, None), Commit("b", ("a",), 2, 2, None), Commit("c", ("b",), 3, 3, None)]
    tags = (tag("v8", "a", 5), tag("v9", "b", 5), tag("v10", "c", 5), tag("v11", "c", 6))
    history = History(commits={one.sha: one for one in commits}, tags=tags, head="c", shallow=False)
    spans = [
        one for one in records(deliveries(history, REPOSITORY), TARGET) if "deployment.id" in one.attributes
    ]
    assert [span.attributes["service.version"] for span in sorted(spans, key=lambda span: span.start_ns)] == [
        "v8", "v9", "v10", "v11"
    ]  # fmt: skip
    assert [span.end_ns for span in spans] == [5 * 10**9] * 3 + [6 * 10**9]
    assert spans[2].start_ns == spans[2].end_ns


def test_everything_told_of_a_history_is_marked_as_told_afterwards() -> None:
    assert {record.attributes["vsm.backfilled"] for record in shop()} == {True}


def test_all_that_a_change_takes_back_is_told_on_a_line_each() -> None:
    back = (Revert(request="1"), Revert(request="2"))
    commits = [Commit("a", (), 1, 1, None), Commit("b", ("a",), 2, 2, None, reverts=back)]
    history = History(
        commits={one.sha: one for one in commits}, tags=(tag("v1", "a", 1),), head="b", shallow=False
    )
    told = [
        record.attributes.get("vsm.change.reverts")
        for record in records(deliveries(history, REPOSITORY), TARGET)
    ]
    assert set(told) == {None, "github.com/acme/shop#1\ngithub.com/acme/shop#2"}
