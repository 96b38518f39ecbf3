"""What no mapping is about is kept, is in no figure, and is found once a mapping is about it."""

import asyncio
import re
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import zstandard
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from handmade.deriving import Derived
from handmade.otlp import Otlp
from otel_vsm_collector.keep import backlog
from otel_vsm_collector.keep.store import Store
from otel_vsm_collector.spans.accept import accept
from otel_vsm_collector.spans.classify import Classifier
from otel_vsm_collector.spans.mappings import MAPPINGS
from otel_vsm_collector.spans.mappings.mapping import Attribute, Mapping
from otel_vsm_collector.spans.unmapped import Unmapped
from otel_vsm_collector.stores.journal import Journal

CI = Mapping(name="ci", span_prefixes=("ci.",), columns={"stage_name": (Attribute("ci.job"),)})
WITH_CI = Classifier([CI, *MAPPINGS])
UNMAPPED = Unmapped(attributes=re.compile(r"^ci\."), max_bytes=1 << 20)


class Stores:
    """Opens stores on one and the same folder, each after the one before is closed."""

    def __init__(self, data: Path, derived: Derived) -> None:
        self.data, self.said = data, list[str]()
        self._derived = derived
        self._open: Store | None = None

    def __call__(self, **settings: Any) -> Store:
        self.close()
        given = {"unmapped": UNMAPPED} | settings
        self._open = Store(self.data, self._derived, say=self.said.append, **given)
        return self._open

    def made_again(self, **settings: Any) -> Store:
        """With a ledger that is made from the journal, as far as it goes."""
        self.close()
        (self.data / "ledger.duckdb").unlink()
        store = self(**settings)
        assert asyncio.run(store.caught_up()) == 0.0
        return store

    def close(self) -> None:
        if self._open is not None:
            self._open.drain(0.0)
            self._open.close()
            self._open = None


@pytest.fixture
def stores(tmp_path: Path, derived: Derived) -> Iterator[Stores]:
    stores = Stores(tmp_path, derived)
    yield stores
    stores.close()


def send(store: Store, *payloads: bytes) -> None:
    async def each() -> None:
        for payload in payloads:
            assert (await store.export(payload)).message == ""
        assert await store.caught_up() == 0.0

    asyncio.run(each())


def stages(store: Store) -> list[str | None]:
    """Of the spans in the ledger."""
    with store.cursor() as connection:
        rows = connection.execute("SELECT stage_name FROM span ORDER BY seq, stage_name").fetchall()
    return [stage for (stage,) in rows]


def position(store: Store) -> int:
    with store.cursor() as connection:
        return int(connection.execute("SELECT position FROM ledger_state").fetchall()[0][0])


def job(otlp: Otlp, name: str) -> Span:
    return otlp.span({"ci.job": name})


def test_it_is_in_the_journal_and_not_in_the_ledger(stores: Stores, otlp: Otlp, tmp_path: Path) -> None:
    store = stores()
    ours, theirs = otlp.payload(otlp.span(), job(otlp, "unit")), otlp.payload(job(otlp, "lint"))
    send(store, ours, theirs, otlp.payload(otlp.span({})))
    assert stages(store) == ["build"]
    assert position(store) == 2
    health = store.health
    assert (health.received, health.filtered, health.unmapped, health.kept) == (4, 1, 2, 1)
    assert health.lag_s == 0.0
    journal = Journal(tmp_path / "journal.sqlite")
    assert [batch.seq for batch in journal.read(1, 2)] == [1, 1, 2, 2]
    assert b"unit" in journal.read(1, 1)[1].body
    assert theirs == journal.read(2, 2)[1].body
    journal.close()


def test_a_later_mapping_finds_it_when_the_ledger_is_made_again(
    stores: Stores, otlp: Otlp, tmp_path: Path
) -> None:
    store = stores()
    send(store, otlp.payload(otlp.span(), job(otlp, "unit")), otlp.payload(job(otlp, "lint")))
    store = stores.made_again(classifier=WITH_CI)
    assert stages(store) == ["build", "unit", "lint"]


def test_without_one_the_ledger_is_made_again_without_it(stores: Stores, otlp: Otlp, tmp_path: Path) -> None:
    store = stores()
    send(store, otlp.payload(job(otlp, "unit")), otlp.payload(otlp.span()), otlp.payload(job(otlp, "lint")))
    store = stores.made_again()
    assert (stages(store), position(store)) == (["build"], 3)


def test_a_ledger_is_made_again_of_nothing_else(stores: Stores, otlp: Otlp) -> None:
    send(stores(), otlp.payload(job(otlp, "unit")))
    store = stores.made_again()
    assert (stages(store), position(store)) == ([], 1)


def test_a_mapping_that_understands_a_span_no_more_takes_it_out(
    stores: Stores, otlp: Otlp, tmp_path: Path
) -> None:
    store = stores(classifier=WITH_CI)
    send(store, otlp.payload(otlp.span(), job(otlp, "unit")))
    assert stages(store) == ["build", "unit"]
    store = stores.made_again()
    assert stages(store) == ["build"]


class TestBound:
    def test_beyond_it_spans_are_filtered_and_the_operator_is_told_once(
        self, stores: Stores, otlp: Otlp, tmp_path: Path
    ) -> None:
        payloads = [otlp.payload(job(otlp, f"{number:04}")) for number in range(20)]
        bound = 4 * len(payloads[0])
        store = stores(unmapped=Unmapped(attributes=UNMAPPED.attributes, max_bytes=bound))
        send(store, *payloads)
        health = store.health
        assert health.unmapped + health.filtered == 20
        assert health.filtered > 0
        (sentence,) = stores.said
        assert "unmapped_mib under telemetry" in sentence
        with sqlite3.connect(tmp_path / "journal.sqlite") as connection:
            ((size, rows),) = connection.execute(
                "SELECT sum(length(body)), count(*) FROM unmapped"
            ).fetchall()
        assert bound - len(payloads[0]) < size <= bound
        assert rows == health.unmapped

    def test_a_restart_remembers_how_much_there_is(self, stores: Stores, otlp: Otlp) -> None:
        payload = otlp.payload(job(otlp, "unit"))
        bound = Unmapped(attributes=UNMAPPED.attributes, max_bytes=len(payload))
        send(stores(unmapped=bound), payload)
        assert stores.said == []
        store = stores(unmapped=bound)
        send(store, payload)
        assert (store.health.unmapped, store.health.filtered, len(stores.said)) == (0, 1, 1)
        assert stages(store) == []

    def test_another_bound_holds_at_once(self, stores: Stores, otlp: Otlp) -> None:
        payload = otlp.payload(job(otlp, "unit"))
        store = stores(unmapped=Unmapped())
        send(store, payload)
        store.keep_unmapped(UNMAPPED)
        send(store, payload)
        store.keep_unmapped(Unmapped(attributes=UNMAPPED.attributes, max_bytes=1))
        send(store, payload, payload)
        assert (store.health.unmapped, store.health.filtered, len(stores.said)) == (1, 3, 1)


def test_what_is_passed_over_in_memory_stays_in_order(
    stores: Stores, otlp: Otlp, derived: Derived, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Rows of the journal with and without spans for the ledger, while deriving waits; more than fit."""
    monkeypatch.setattr(backlog, "CHUNK_SPANS", 2)
    monkeypatch.setattr(backlog, "WAITING_SPANS", 8)
    monkeypatch.setattr(backlog, "TAKEN_SPANS", 3)
    store = stores()
    ours = [otlp.payload(otlp.span({"vsm.stage.name": f"{number:02}"})) for number in range(20)]
    theirs = [otlp.payload(job(otlp, f"{number:02}")) for number in range(20)]
    derived.go_on.clear()

    async def fill() -> None:
        for number in range(20):
            for _ in range(number % 3):
                await store.export(theirs[number])
            await store.export(ours[number])
        for _ in range(3):
            await store.export(theirs[0])
        derived.go_on.set()
        assert await store.caught_up() == 0.0

    asyncio.run(fill())
    assert stages(store) == [f"{number:02}" for number in range(20)]
    assert position(store) == 20 + sum(number % 3 for number in range(20)) + 3


def test_rows_without_spans_for_the_ledger_take_no_memory(otlp: Otlp, tmp_path: Path) -> None:
    """Deriving may be held up for long, and what is not for the ledger counts for no span that waits."""
    journal = Journal(tmp_path / "journal.sqlite")
    waiting = backlog.Backlog(journal)
    accepted = accept([otlp.payload(job(otlp, "unit"))], unmapped=UNMAPPED, room=1 << 20).spans
    assert accepted is not None
    for seq in range(1, 1000):
        waiting.offer(seq, accepted)
    assert len(waiting._chunks) + len(waiting._fresh) == 1
    assert not waiting.has_left(1)
    rows, last_seq = waiting.take(1)
    assert (list(rows), last_seq) == ([], 999)
    journal.close()


class TestJournal:
    def test_one_of_before_is_read_and_goes_on(self, tmp_path: Path) -> None:
        path = tmp_path / "journal.sqlite"
        with sqlite3.connect(path) as connection:
            connection.execute(
                "CREATE TABLE batch"
                " (seq INTEGER PRIMARY KEY, received_at INTEGER NOT NULL, body BLOB NOT NULL) STRICT"
            )
            connection.execute("CREATE TABLE journal (id TEXT NOT NULL, version INTEGER NOT NULL) STRICT")
            connection.execute("INSERT INTO journal VALUES ('old', 1)")
            connection.execute("INSERT INTO batch VALUES (1, 5, ?)", [zstandard.compress(b"a")])
        journal = Journal(path)
        assert (journal.id, journal.last_seq, journal.unmapped_bytes) == ("old", 1, 0)
        assert journal.append([b"b"], [b"c", b"d"]) == 2
        assert [(row.seq, row.body) for row in journal.read(1, 2)] == [(1, b"a"), (2, b"b"), (2, b"cd")]
        journal.close()

    def test_the_version_before_finds_all_that_it_knows(self, tmp_path: Path) -> None:
        """It writes rows of three values, and reads no other table."""
        path = tmp_path / "journal.sqlite"
        journal = Journal(path)
        journal.append([b"a"], [b"b"])
        journal.close()
        with sqlite3.connect(path) as connection:
            assert connection.execute("SELECT version FROM journal").fetchall() == [(1,)]
            ((body,),) = connection.execute("SELECT body FROM batch").fetchall()
            connection.execute("INSERT INTO batch VALUES (2, 5, ?)", [zstandard.compress(b"c")])
        assert zstandard.decompress(body) == b"a"
        journal = Journal(path)
        assert journal.append([b"d"]) == 3
        assert [row.body for row in journal.read(1, 3)] == [b"a", b"b", b"c", b"d"]
        journal.close()

    def test_both_parts_of_a_row_are_kept_or_neither(self, tmp_path: Path) -> None:
        journal = Journal(tmp_path / "journal.sqlite")
        journal._writer.execute(
            "CREATE TRIGGER full BEFORE INSERT ON unmapped BEGIN SELECT raise(ABORT, 'full'); END"
        )
        with pytest.raises(Exception, match="full"):
            journal.append([b"a"], [b"b"])
        assert (journal.last_seq, journal.unmapped_bytes, journal.read(1, 9)) == (0, 0, [])
        assert journal.append([b"c"]) == 1
        journal.close()

    def test_it_knows_what_they_take_as_they_are_stored(self, tmp_path: Path) -> None:
        journal = Journal(tmp_path / "journal.sqlite")
        journal.append([b"a" * 999], [b"b" * 10_000])
        journal.append([], [b"c"])
        journal.append([b"d"])
        size = journal.unmapped_bytes
        assert 0 < size < 1_000
        assert journal.end_of(1, size, 3) == 1
        journal.close()
        again = Journal(tmp_path / "journal.sqlite")
        assert again.unmapped_bytes == size
        again.close()

    def test_damage_to_it_costs_nothing_else(
        self, stores: Stores, otlp: Otlp, tmp_path: Path, caplog: pytest.LogCaptureFixture
    ) -> None:
        store = stores(classifier=Classifier(MAPPINGS))
        send(store, otlp.payload(otlp.span(), job(otlp, "unit")), otlp.payload(job(otlp, "lint")))
        stores.close()
        with sqlite3.connect(tmp_path / "journal.sqlite") as connection:
            connection.execute("UPDATE unmapped SET body = zeroblob(9) WHERE seq = 1")
        store = stores.made_again(classifier=WITH_CI)
        assert stages(store) == ["build", "lint"]
        assert "damaged or gone, and left out: 1" in caplog.text
