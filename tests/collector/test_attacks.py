"""Hostile text, and hostile requests among good ones, sent to a running collector from outside."""

import http.client
import random
import threading
import time
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families

from handmade.otlp import Otlp
from otel_vsm.testing import RunningCollector

EVIL = '"\'}\n<script>alert(1)</script>\x1b[31m\\ {x="y"} ; DROP TABLE span; -- %\' OR 1=1'
REPOSITORY = "github.com/acme/attacked"


class Sender:
    """One connection that is kept."""

    def __init__(self, running: RunningCollector) -> None:
        self._connection = http.client.HTTPConnection(running.otlp().removeprefix("http://"), timeout=30)

    def __call__(self, payload: bytes, **headers: str) -> tuple[int, bytes]:
        sent = {"content-type": "application/x-protobuf"} | headers
        self._connection.request("POST", "/v1/traces", payload, sent)
        answer = self._connection.getresponse()
        return answer.status, answer.read()


def fetched(running: RunningCollector, path: str) -> tuple[int, str]:
    connection = http.client.HTTPConnection(running.web.removeprefix("http://"), timeout=30)
    connection.request("GET", path)
    answer = connection.getresponse()
    return answer.status, answer.read().decode()


@pytest.fixture(scope="module")
def attacked(running_collector: RunningCollector) -> RunningCollector:
    """A collector that was told of a deployment and a change with hostile names everywhere."""
    attributes = {
        "vcs.repository.url.full": f"https://{REPOSITORY}",
        "vcs.change.id": "1",
        "vsm.team": EVIL,
        EVIL: EVIL,
    }
    deployment = attributes | {
        "vsm.stage.name": EVIL,
        "vsm.stage.type": "deploy",
        "service.name": EVIL,
        "service.version": EVIL,
        "deployment.environment.name": "production",
        "deployment.id": EVIL,
    }
    now = time.time_ns()
    span: dict[str, Any] = {"name": EVIL, "start_time_unix_nano": now - 10**9, "end_time_unix_nano": now}
    otlp = Otlp()
    assert Sender(running_collector)(otlp.payload(otlp.span(deployment, **span)))[0] == 200
    running_collector.get("/api/v1/dora")  # which waits until it is derived
    return running_collector


def test_c_15_names_in_labels_are_escaped(attacked: RunningCollector) -> None:
    status, page = fetched(attacked, "/metrics")
    assert status == 200
    values = {
        value
        for family in text_string_to_metric_families(page)
        for sample in family.samples
        for value in sample.labels.values()
    }
    assert EVIL in values


def test_c_17_names_on_pages_are_escaped(attacked: RunningCollector) -> None:
    status, page = fetched(attacked, "/?window=1d")
    assert status == 200
    assert "DROP TABLE" in page
    assert "<script" not in page


@pytest.mark.parametrize("parameter", ["service", "repository", "team", "value_stream", "environment"])
def test_c_18_filters_are_values_and_never_a_part_of_the_question(
    attacked: RunningCollector, parameter: str
) -> None:
    answer = attacked.get("/api/v1/deployments", window="1d", **{parameter: EVIL})
    of_it = [one for one in answer["items"] if one["repository"] == REPOSITORY]
    assert len(of_it) == (parameter in ("service", "team"))
    assert len(attacked.get("/api/v1/deployments", window="1d", repository=REPOSITORY)["items"]) == 1


@pytest.mark.parametrize(
    "path",
    ["/../../etc/passwd", "/%2e%2e/%2e%2e/etc/passwd", "/static/../home.py", "//etc/passwd", "/style.css/.."],
)
def test_c_20_no_path_leads_to_a_file(running_collector: RunningCollector, path: str) -> None:
    assert fetched(running_collector, path)[0] == 404


def test_c_28_what_is_sent_is_repeated_as_one_line(running_collector: RunningCollector) -> None:
    status, body = Sender(running_collector)(b"", **{"content-type": "\x1b[31m\x07red"})
    assert status == 400
    assert not {*body} & {*range(32)}


def test_c_3_nesting_without_end_is_the_senders_fault(
    running_collector: RunningCollector, otlp: Otlp
) -> None:
    send = Sender(running_collector)
    for depth in (1_000, 100_000):
        body = b'{"resourceSpans":' + b"[" * depth
        assert send(body, **{"content-type": "application/json"})[0] == 400
    span = otlp.span()
    value = span.attributes.add(key="deep").value
    for _ in range(40):
        value = value.array_value.values.add()
    # No attribute that anything follows from holds others: they are passed over, unread.
    assert send(otlp.payload(span)) == (200, b"")


def test_a1_15_and_17_what_is_accepted_of_many_senders_is_kept_and_nothing_else(
    running_collector: RunningCollector, otlp: Otlp
) -> None:
    before = running_collector.get("/api/v1/measurement")["received"]
    kept, rejected = [0] * 4, [0] * 4

    def generate(number: int) -> None:
        dice, send = random.Random(number), Sender(running_collector)
        for _ in range(60):
            spans = [otlp.span() for _ in range(dice.randint(1, 5))]
            match dice.randint(0, 3):
                case 0:
                    assert send(otlp.payload(*spans)[:-1] + b"\xff")[0] == 400
                case 1:
                    assert send(otlp.payload(*spans, otlp.span(span_id=b"")))[0] == 200
                    kept[number] += len(spans)
                    rejected[number] += 1
                case _:
                    assert send(otlp.payload(*spans)) == (200, b"")
                    kept[number] += len(spans)

    threads = [threading.Thread(target=generate, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    after = running_collector.get("/api/v1/measurement")["received"]
    assert after["kept"] - before["kept"] == sum(kept)
    assert after["rejected"] - before["rejected"] == sum(rejected)
    assert after["duplicate"] == before["duplicate"]
