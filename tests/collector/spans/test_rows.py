"""What becomes of a span's attributes, ids and times on the way into the ledger."""

from collections.abc import Callable
from typing import Any

import pytest
from opentelemetry.proto.trace.v1.trace_pb2 import Status

from handmade.otlp import Otlp
from otel_vsm_collector.spans.accept import AcceptedSpans, accept
from otel_vsm_collector.spans.rows import Numbered, ledger_rows

Row = dict[str, Any]
OTHER_TRACE, OTHER_SPAN = bytes(range(16)), bytes(range(1, 9))


@pytest.fixture
def row(otlp: Otlp) -> Callable[..., Row]:
    """The row of one span."""

    def of(attributes: dict[str, Any], resource: dict[str, Any] | None = None, **fields: Any) -> Row:
        # A second span, whose values must not come into the first one's row.
        other = otlp.span({"vsm.stage.name": "other", "vsm.team": "other", "vsm.stage.queue.duration": 99.0})
        accepted = accept([otlp.payload(otlp.span(attributes, **fields), other, resource=resource)])
        assert accepted.spans is not None
        rows = ledger_rows([Numbered([7], accepted.spans)]).span.to_pylist()
        first: Row = rows[0]
        return first

    return of


def test_a_span_with_everything(row: Callable[..., Row]) -> None:
    assert row(
        {
            "vsm.change.id": "github.com/acme/shop#12",
            "vcs.repository.url.full": "https://GitHub.com/acme/shop.git",
            "vcs.change.id": "12",
            "vcs.ref.head.revision": "abc",
            "vcs.ref.head.name": "feature",
            "vcs.ref.base.name": "main",
            "vsm.stage.name": "deploy",
            "vsm.stage.type": "deploy",
            "vsm.stage.queue.duration": 1.5,
            "cicd.pipeline.task.run.result": "SUCCESS",
            "vsm.team": "pay",
            "vsm.actor.type": "automation",
            "vsm.value_stream": "money",
            "service.name": "shop",
            "service.version": "1.2",
            "deployment.environment.name": "production",
            "deployment.id": "d1",
            "vsm.deployment.kind": "rollout",
            "vsm.deployment.previous.revision": "abb",
            "artifact.purl": "pkg:oci/shop",
            "artifact.hash": "sha256:1",
            "vsm.event.name": "stage.started",
            "vsm.work_item.id": "T-1",
            "vsm.incident.id": "INC-1",
            "vsm.incident.severity": "high",
            "vsm.approval.gate": "go",
            "vsm.change.reverts": "github.com/acme/shop#11",
            "cicd.pipeline.run.id": "4711",
            "cicd.pipeline.task.name": "ship",
            "cicd.pipeline.task.run.id": 4712,
            "vsm.run.attempt": 2,
            "vsm.stage.leg": "linux",
            "vsm.backfilled": True,
            "vsm.measurement.gap": "cut_history",
            "vsm.retracts.span_id": "00000000000000AA",
        },
        name="deploy",
        trace_id=bytes(range(16)),
        span_id=bytes(range(8)),
        parent_span_id=b"\xff" * 8,
        start_time_unix_nano=10**18 + 1,
        end_time_unix_nano=10**18 + 2,
    ) == {
        "seq": 7,
        "trace_id": "000102030405060708090a0b0c0d0e0f",
        "span_id": "0001020304050607",
        "parent_span_id": "ffffffffffffffff",
        "name": "deploy",
        "started_at": 10**18 + 1,
        "ended_at": 10**18 + 2,
        "failed": False,
        "future": None,
        "impossible": None,
        "change_id": "github.com/acme/shop#12",
        "repository": "github.com/acme/shop",
        "request": "12",
        "revision": "abc",
        "ref_name": "feature",
        "base_name": "main",
        "stage_name": "deploy",
        "stage_type": "deploy",
        "queue_s": 1.5,
        "result": "success",
        "team": "pay",
        "actor_type": "automation",
        "value_stream": "money",
        "service": "shop",
        "version": "1.2",
        "environment": "production",
        "deployment_id": "d1",
        "deployment_kind": "rollout",
        "previous_revision": "abb",
        "artifact_purl": "pkg:oci/shop",
        "artifact_hash": "sha256:1",
        "event_name": "stage.started",
        "work_item_id": "T-1",
        "incident_id": "INC-1",
        "severity": "high",
        "gate": "go",
        "reverts": "github.com/acme/shop#11",
        "pipeline_run": "4711",
        "job": "ship",
        "job_run": "4712",
        "attempt": 2,
        "leg": "linux",
        "backfilled": True,
        "gap": "cut_history",
        "retracts": "00000000000000aa",
    }


@pytest.mark.parametrize(
    ("attributes", "attempt"),
    [
        ({"vsm.run.attempt": "3"}, 3),
        ({"vsm.run.attempt": -3}, None),
        ({"vsm.run.attempt": "third"}, None),
        ({"vsm.run.attempt": "9" * 30}, None),
        ({"cicd.pipeline.run.url.full": "https://github.com/acme/shop/actions/runs/77/attempts/2"}, 2),
        ({"cicd.pipeline.run.url.full": "https://github.com/acme/shop/actions/runs/77"}, None),
        ({"vsm.run.attempt": 1, "cicd.pipeline.run.url.full": "https://ci/runs/77/attempts/2"}, 1),
    ],
)
def test_an_attempt_is_told_by_itself_or_by_the_runs_address(
    row: Callable[..., Row], attributes: dict[str, Any], attempt: int | None
) -> None:
    assert row({"vsm.stage.name": "build"} | attributes)["attempt"] == attempt


@pytest.mark.parametrize(
    ("said", "backfilled"), [(True, True), (False, False), ("True", True), ("false", False), ("yes", None)]
)
def test_what_is_true_or_false_is_read_from_text_too(
    row: Callable[..., Row], said: Any, backfilled: bool | None
) -> None:
    assert row({"vsm.backfilled": said})["backfilled"] is backfilled


def test_what_a_span_does_not_say_is_null(row: Callable[..., Row]) -> None:
    told = {name: value for name, value in row({"vsm.team": "pay"}).items() if value is not None}
    assert set(told) == {"seq", "trace_id", "span_id", "name", "started_at", "ended_at", "failed", "team"}


def test_the_span_wins_over_its_resource(row: Callable[..., Row]) -> None:
    resource = {"vsm.team": "platform", "service.name": "shop"}
    found = row({"vsm.team": "pay"}, resource)
    assert (found["team"], found["service"]) == ("pay", "shop")


@pytest.mark.parametrize("nothing", ["", None, b"\x00", 1.5])
def test_a_value_that_is_none_leaves_the_resources(row: Callable[..., Row], nothing: Any) -> None:
    assert (
        row({"vsm.stage.name": "build", "vsm.team": nothing}, {"vsm.team": "platform"})["team"] == "platform"
    )


def test_the_first_of_repeated_keys_counts(otlp: Otlp) -> None:
    span = otlp.span({"vsm.team": "first"})
    span.attributes.add(key="vsm.team").value.string_value = "second"
    kept = accept([otlp.payload(span)]).spans
    assert kept is not None
    assert ledger_rows([Numbered([1], kept)]).span.column("team").to_pylist() == ["first"]


@pytest.mark.parametrize(
    ("given", "text"),
    [(12, "12"), (True, "true"), (-1, "-1"), ("x", "x"), (1.5, None), (b"x", None), (None, None)],
)
def test_numbers_where_text_is_meant_become_text(
    row: Callable[..., Row], given: Any, text: str | None
) -> None:
    assert row({"vsm.stage.name": "build", "vcs.change.id": given})["request"] == text
    assert row({"vsm.stage.name": "build"}, {"vcs.change.id": given})["request"] == text


def test_c_14_a_name_without_end_is_cut_and_stays_another_than_others(row: Callable[..., Row]) -> None:
    texts = ("ä" * 512, "ä" * 10**6, "ä" * 10**6 + "b")
    names = [row({"vsm.stage.name": text})["stage_name"] for text in texts]
    assert names[0] == texts[0]
    assert len({*names}) == 3
    assert {len(name.encode()) for name in names} == {1024}


@pytest.mark.parametrize(
    ("start", "end", "impossible"),
    [
        (946_684_800 * 10**9, 946_684_800 * 10**9, None),
        (946_684_800 * 10**9 - 1, 946_684_800 * 10**9, True),
        (10**18, 10**18 + 157_680_000 * 10**9, None),
        (10**18, 10**18 + 157_680_000 * 10**9 + 1, True),
        (0, 10**18, None),
        (10**18, 0, None),
        (1, 2**64 - 1, True),
    ],
)
def test_c_16_times_that_cannot_be_are_marked(
    row: Callable[..., Row], start: int, end: int, impossible: bool | None
) -> None:
    found = row({"vsm.stage.name": "build"}, start_time_unix_nano=start, end_time_unix_nano=end)
    assert found["impossible"] is impossible


@pytest.mark.parametrize(
    ("given", "seconds"),
    [
        (0.0, 0.0),
        (2, 2.0),
        (157_680_000, 157_680_000.0),
        (157_680_001, None),
        ("2.5", 2.5),
        ("soon", None),
        (-1.0, None),
        (float("nan"), None),
        (float("inf"), None),
        (1e300, None),
        (True, None),
    ],
)
def test_queue_times_are_read_from_what_is_a_number(
    row: Callable[..., Row], given: Any, seconds: float | None
) -> None:
    assert row({"vsm.stage.queue.duration": given})["queue_s"] == seconds


@pytest.mark.parametrize(
    ("attributes", "change"),
    [
        ({"vsm.change.id": "c"}, "c"),
        ({"vsm.change.id": "c", "vcs.change.id": "3", "vcs.ref.head.revision": "ABC"}, "c"),
        ({"vcs.change.id": 3, "vcs.ref.head.revision": "ABC"}, "github.com/acme/shop#3"),
        ({"vcs.ref.head.revision": "ABC"}, "github.com/acme/shop@abc"),
        ({"vcs.ref.head.name": "main"}, None),
        ({"vsm.event.name": "work_item.started", "vcs.ref.head.revision": "abc"}, None),
        ({"vsm.event.name": "work_item.started", "vsm.change.id": "c"}, "c"),
        ({"vsm.event.name": "incident.detected", "vsm.change.id": "c"}, None),
        ({"vsm.incident.id": "INC-1", "vcs.ref.head.revision": "abc"}, None),
        ({"vsm.incident.id": "INC-1", "vsm.stage.name": "deploy", "vsm.change.id": "c"}, "c"),
        ({"vsm.change.id": "https://GitHub.com/Acme/Shop.git#3"}, "github.com/acme/shop#3"),
        (
            {"vsm.change.id": "https://user:se#cret@github.com/a#3", "vcs.change.id": 4},
            "github.com/acme/shop#4",
        ),
        ({"vsm.change.id": "https://user:12345@github.com"}, None),
    ],
)
def test_the_change_follows_from_what_is_known(
    row: Callable[..., Row], attributes: dict[str, Any], change: str | None
) -> None:
    assert row(attributes, {"vcs.repository.url.full": "git@github.com:acme/shop.git"})["change_id"] == change


def test_what_is_taken_back_is_named_as_changes_are(row: Callable[..., Row]) -> None:
    lines = "https://GitHub.com/Acme/shop#3\nuser:secret@host\ngithub.com/acme/shop#4"
    reverts = row({"vsm.team": "a", "vsm.change.reverts": lines})["reverts"]
    assert reverts == "github.com/acme/shop#3\ngithub.com/acme/shop#4"


@pytest.mark.parametrize(
    ("addresses", "repository"),
    [
        (
            ["https://github.com/acme/shop.git", "ssh://git@ssh.github.com:443/Acme/Shop.git"],
            "github.com/acme/shop",
        ),
        (
            ["https://acme@dev.azure.com/acme/web/_git/shop", "git@ssh.dev.azure.com:v3/acme/web/shop"],
            "dev.azure.com/acme/web/_git/shop",
        ),
        (["https://gitlab-ci-token:x_y@gitlab.com/acme/shop.git"], "gitlab.com/acme/shop"),
        (["https://user:se/cret@gitlab.com/acme/shop.git", "https://user:pa ss@host/x"], None),
    ],
)
def test_a_repository_has_one_name_whatever_the_address(
    row: Callable[..., Row], addresses: list[str], repository: str | None
) -> None:
    for address in addresses:
        found = row({"vcs.repository.url.full": address, "vcs.change.id": "3"})
        assert found["repository"] == repository
        assert found["change_id"] == (f"{repository}#3" if repository else None)


@pytest.mark.parametrize(
    ("attributes", "purl", "digest"),
    [
        ({"artifact.purl": "pkg:pypi/shop@1?x=y#z"}, "pkg:pypi/shop@1", None),
        (
            {"artifact.purl": f"pkg:oci/shop@sha256%3A{'AB' * 32}"},
            f"pkg:oci/shop@sha256:{'AB' * 32}",
            "ab" * 32,
        ),
        ({"artifact.hash": "AB" * 32}, None, "ab" * 32),
        ({"artifact.hash": f"ghcr.io/acme/shop:1@sha256:{'ab' * 32}"}, None, "ab" * 32),
    ],
)
def test_an_artifact_is_known_by_its_digest(
    row: Callable[..., Row], attributes: dict[str, Any], purl: str | None, digest: str | None
) -> None:
    found = row(attributes)
    assert found["artifact_purl"] == purl
    assert found["artifact_hash"] == (digest and f"sha256:{digest}")


def test_without_a_repository_a_revision_is_no_change(row: Callable[..., Row]) -> None:
    assert row({"vcs.ref.head.revision": "abc", "vcs.change.id": "3"})["change_id"] is None


@pytest.mark.parametrize(
    ("attributes", "code", "result"),
    [
        ({"vsm.stage.name": "build"}, Status.STATUS_CODE_UNSET, "success"),
        ({"vsm.stage.name": "build"}, Status.STATUS_CODE_ERROR, "failure"),
        (
            {"vsm.stage.name": "build", "cicd.pipeline.task.run.result": "Skip"},
            Status.STATUS_CODE_ERROR,
            "skip",
        ),
        ({"deployment.id": "1"}, Status.STATUS_CODE_OK, "success"),
        ({"vsm.stage.name": "build", "vsm.event.name": "stage.started"}, Status.STATUS_CODE_ERROR, None),
        ({"vsm.team": "pay"}, Status.STATUS_CODE_ERROR, None),
    ],
)
def test_the_result_of_a_stage_follows_from_its_status(
    row: Callable[..., Row], attributes: dict[str, Any], code: int, result: str | None
) -> None:
    found = row(attributes, status=Status(code=code))  # type: ignore[arg-type]
    assert (found["result"], found["failed"]) == (result, code == Status.STATUS_CODE_ERROR)


@pytest.mark.parametrize(
    ("start", "end", "started_at", "ended_at"),
    [
        (5, 9, 5, 9),
        (9, 5, 9, 9),
        (0, 5, 5, 5),
        (5, 0, 5, 5),
        (2**63 - 1, 2**63 - 1, 2**63 - 1, 2**63 - 1),
        (5, 2**64 - 1, 5, 2**63 - 1),
        (2**64 - 1, 5, 2**63 - 1, 2**63 - 1),
    ],
)
def test_times_are_put_in_order_and_range(
    row: Callable[..., Row], start: int, end: int, started_at: int, ended_at: int
) -> None:
    found = row({"vsm.team": "a"}, start_time_unix_nano=start, end_time_unix_nano=end)
    assert (found["started_at"], found["ended_at"]) == (started_at, ended_at)


@pytest.mark.parametrize("parent", [b"", bytes(8), b"\x01" * 7, b"\x01" * 9])
def test_a_parent_that_cannot_be_one_is_none(row: Callable[..., Row], parent: bytes) -> None:
    assert row({"vsm.team": "a"}, parent_span_id=parent)["parent_span_id"] is None


def test_parents_stay_with_their_children(otlp: Otlp) -> None:
    spans = [otlp.span(parent_span_id=parent) for parent in (b"", b"\x01" * 8, b"", b"\x02" * 8)]
    kept = accept([otlp.payload(*spans)]).spans
    assert kept is not None
    found = ledger_rows([Numbered([1], kept)]).span.column("parent_span_id").to_pylist()
    assert found == [None, "01" * 8, None, "02" * 8]


def test_links_to_spans_that_can_exist_are_kept(otlp: Otlp) -> None:
    first, dropped, last = otlp.span(), otlp.span({}), otlp.span()
    first.links.add(trace_id=OTHER_TRACE, span_id=OTHER_SPAN)
    first.links.add(trace_id=OTHER_TRACE, span_id=b"short")
    first.links.add(trace_id=bytes(16), span_id=OTHER_SPAN)
    dropped.links.add(trace_id=OTHER_TRACE, span_id=OTHER_SPAN)
    last.links.add(trace_id=OTHER_TRACE, span_id=OTHER_SPAN)
    kept = accept([otlp.payload(first, dropped, last)]).spans
    assert kept is not None
    assert ledger_rows([Numbered([3], kept)]).span_link.to_pylist() == [
        {
            "seq": 3,
            "trace_id": span.trace_id.hex(),
            "span_id": span.span_id.hex(),
            "linked_trace_id": OTHER_TRACE.hex(),
            "linked_span_id": OTHER_SPAN.hex(),
            "kind": None,
        }
        for span in (first, last)
    ]


def test_a_link_keeps_its_kind_and_no_other_attribute(otlp: Otlp) -> None:
    first, second = otlp.span(), otlp.span()
    said: tuple[tuple[Any, list[tuple[str, str]]], ...] = (
        (first, []),
        (first, [("other", "x"), ("vsm.link.kind", "ancestor"), ("vsm.link.kind", "y")]),
        (second, [("vsm.link.kind", "new")]),
        (second, [("other", "x")]),
    )
    for span, attributes in said:
        link = span.links.add(trace_id=OTHER_TRACE, span_id=OTHER_SPAN)
        for key, value in attributes:
            link.attributes.add(key=key).value.string_value = value
    kept = accept([otlp.payload(first, second)]).spans
    assert kept is not None
    kinds = ledger_rows([Numbered([3], kept), Numbered([4], kept)]).span_link.column("kind").to_pylist()
    assert kinds == [None, "ancestor", "new", None] * 2


def test_batches_put_together_give_the_rows_that_they_give_alone(otlp: Otlp) -> None:
    """Spans, resources and links of a later batch must not point into an earlier one."""
    batches = []
    for number in range(1, 5):
        payloads = []
        for request in range(number):
            team = {"vsm.stage.name": "build"} | ({"vsm.team": f"span {number}"} if request % 2 else {})
            spans = [otlp.span(team), otlp.span({}), otlp.span({"vsm.stage.name": f"{number}.{request}"})]
            spans[2].links.add(trace_id=OTHER_TRACE, span_id=bytes([number] * 8))
            payloads.append(
                otlp.payload(
                    *spans, resource={"vsm.team": f"resource {number}", "service.name": str(request)}
                )
            )
        kept: AcceptedSpans | None = accept(payloads).spans
        assert kept is not None
        batches.append(Numbered(range(10 * number, 10 * number + number), kept))
    together = ledger_rows(batches)
    alone = [ledger_rows([batch]) for batch in batches]
    assert together.span.to_pylist() == [row for rows in alone for row in rows.span.to_pylist()]
    assert together.span_link.to_pylist() == [row for rows in alone for row in rows.span_link.to_pylist()]
    assert together.span.num_rows == 20
    assert set(together.span.column("seq").to_pylist()) == {10, 20, 21, 30, 31, 32, 40, 41, 42, 43}
