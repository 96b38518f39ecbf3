"""Journal, ledger and the threads between them: what was acknowledged stays, whatever happens."""

import asyncio
import os
import resource
import sqlite3
import stat
import subprocess
import sys
import threading
import time
from collections.abc import Coroutine, Iterator
from pathlib import Path
from typing import Any

import duckdb
import pytest

from handmade.deriving import Derived
from handmade.otlp import Otlp
from otel_vsm_collector.keep import backlog
from otel_vsm_collector.keep import deriver as deriver_module
from otel_vsm_collector.keep.deriver import Run
from otel_vsm_collector.keep.store import Listener, Store
from otel_vsm_collector.spans.accept import Counts
from otel_vsm_collector.stores.duckdb import ledger as ledger_module
from otel_vsm_collector.stores.folder import UnusableError


class Remembering(Listener):
    def __init__(self) -> None:
        self.counts: list[Counts] = []
        self.runs: list[Run] = []
        self.spans_at_open: list[int] = []

    def on_open(self, connection: duckdb.DuckDBPyConnection) -> None:
        self.spans_at_open.append(connection.execute("SELECT count(*) FROM span").fetchall()[0][0])

    def on_received(self, counts: Counts) -> None:
        self.counts.append(counts)

    def on_derived(self, run: Run) -> None:
        self.runs.append(run)


@pytest.fixture
def listener() -> Remembering:
    return Remembering()


class Stores:
    """Opens stores on one and the same folder, each after the one before is closed."""

    def __init__(self, data: Path, derived: Derived, listener: Remembering) -> None:
        self.data, self.said = data, list[str]()
        self._derived, self._listener = derived, listener
        self._open: Store | None = None

    def __call__(self, **settings: Any) -> Store:
        self.close()
        self._open = Store(
            self.data, self._derived, say=self.said.append, listener=self._listener, **settings
        )
        return self._open

    def close(self, drain_s: float = 0.0) -> None:
        """Closes what is open; by default it derives no more."""
        if self._open is not None:
            self._derived.go_on.set()
            self._open.drain(drain_s)
            self._open.close()
            self._open = None

    @property
    def ledger(self) -> Path:
        return self.data / "ledger.duckdb"


@pytest.fixture
def stores(tmp_path: Path, derived: Derived, listener: Remembering) -> Iterator[Stores]:
    stores = Stores(tmp_path / "data", derived, listener)
    yield stores
    stores.close()


def run(*coroutines: Coroutine[Any, Any, Any]) -> list[Any]:
    """Their results, one after the other in one event loop."""

    async def each() -> list[Any]:
        return [await coroutine for coroutine in coroutines]

    return asyncio.run(each())


def names(store: Store) -> list[str]:
    """Of the spans in the ledger."""
    with store.cursor() as connection:
        return [row[0] for row in connection.execute("SELECT name FROM span ORDER BY name").fetchall()]


def ledger_file(tmp_path: Path) -> Path:
    return tmp_path / "data" / "ledger.duckdb"


def test_an_answer_covers_what_was_acknowledged_before(stores: Stores, otlp: Otlp) -> None:
    store = stores()
    for number in range(5):
        sent = store.export(otlp.payload(otlp.span(name=str(number))))
        assert run(sent, store.caught_up())[1] == 0.0
        assert names(store) == [str(n) for n in range(number + 1)]


def test_the_ledger_says_when_its_spans_came(stores: Stores, otlp: Otlp) -> None:
    store = stores()
    for _ in range(2):
        before_ns = time.time_ns()
        run(store.export(otlp.payload(otlp.span())), store.caught_up())
        with store.cursor() as connection:
            (received_at,) = connection.execute(
                "SELECT received_at FROM span JOIN arrival USING (seq) ORDER BY seq DESC LIMIT 1"
            ).fetchall()[0]
        assert before_ns <= received_at <= time.time_ns()


def test_the_lag_is_told_when_deriving_takes_too_long(stores: Stores, otlp: Otlp, derived: Derived) -> None:
    store = stores()
    derived.go_on.clear()
    _, lag_s, _, later_s = run(
        store.export(otlp.payload(otlp.span())),
        store.caught_up(0.05),
        asyncio.sleep(0),
        store.caught_up(0.05),
    )
    assert 0.0 < lag_s < later_s
    assert store.health.lag_s > 0.0
    assert names(store) == []
    derived.go_on.set()
    assert run(store.caught_up()) == [0.0]
    assert store.health.lag_s == 0.0


def test_facts_and_position_are_committed_together(stores: Stores, otlp: Otlp, derived: Derived) -> None:
    """A run that fails half-way leaves nothing, and is tried again."""
    store = stores()
    derived.fail = True
    run(store.export(otlp.payload(otlp.span(name="a"))), store.caught_up(0.2))
    with store.cursor() as connection:
        assert connection.execute("SELECT count(*) FROM fact").fetchall() == [(0,)]
        assert connection.execute("SELECT position FROM ledger_state").fetchall() == [(0,)]
    assert names(store) == []
    assert store.unready() == ["deriving fails: no figures today"]
    derived.fail = False
    assert run(store.caught_up()) == [0.0]
    with store.cursor() as connection:
        assert connection.execute("SELECT spans FROM fact").fetchall() == [(1,)]
        assert connection.execute("SELECT position FROM ledger_state").fetchall() == [(1,)]
    assert store.unready() == []


def test_deriving_goes_on_where_it_was(stores: Stores, otlp: Otlp, derived: Derived) -> None:
    store = stores()
    run(store.export(otlp.payload(otlp.span(name="a"))), store.caught_up())
    derived.fail = True
    run(store.export(otlp.payload(otlp.span(name="b"))))
    store = stores()
    derived.fail = False
    assert run(store.caught_up()) == [0.0]
    assert names(store) == ["a", "b"]
    assert stores.said == []
    assert derived.ranges[-1] == (2, 2)


def test_a_drained_store_has_nothing_left_to_derive(
    stores: Stores, otlp: Otlp, listener: Remembering
) -> None:
    store = stores()
    run(*[store.export(otlp.payload(otlp.span())) for _ in range(3)])
    stores.close(drain_s=5.0)
    stores()
    assert listener.spans_at_open == [0, 3]


def test_draining_ends_in_time_though_deriving_does_not(stores: Stores, otlp: Otlp, derived: Derived) -> None:
    store = stores()
    derived.go_on.clear()
    run(store.export(otlp.payload(otlp.span(name="a"))), store.caught_up(0.01))
    threading.Timer(0.1, derived.go_on.set).start()
    derived.fail = True
    store.drain(0.01)
    derived.fail = False
    store = stores()
    assert run(store.caught_up()) == [0.0]
    assert names(store) == ["a"]


def test_what_does_not_fit_in_memory_is_read_from_the_journal(
    stores: Stores, otlp: Otlp, derived: Derived, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(backlog, "WAITING_SPANS", 3)
    monkeypatch.setattr(backlog, "TAKEN_SPANS", 4)
    monkeypatch.setattr(backlog, "_READ_ROWS", 2)
    monkeypatch.setattr(backlog, "_READ_BYTES", 200)
    store = stores()
    derived.go_on.clear()

    async def send() -> None:
        for number in range(20):
            assert not (await store.export(otlp.payload(otlp.span(name=f"{number:02}")))).message
        derived.go_on.set()
        assert await store.caught_up() == 0.0

    asyncio.run(send())
    assert names(store) == [f"{number:02}" for number in range(20)]
    assert [first for first, _ in derived.ranges[1:]] == [last + 1 for _, last in derived.ranges[:-1]]


def test_a_damaged_row_of_the_journal_costs_its_own_spans_only(
    stores: Stores, otlp: Otlp, caplog: pytest.LogCaptureFixture
) -> None:
    store = stores()
    for name in ("a", "b", "c"):
        run(store.export(otlp.payload(otlp.span(name=name))))
    stores.close()
    with sqlite3.connect(stores.data / "journal.sqlite") as connection:
        connection.execute("UPDATE batch SET body = zeroblob(20) WHERE seq = 2")
    stores.ledger.unlink(missing_ok=True)
    store = stores()
    assert run(store.caught_up()) == [0.0]
    assert names(store) == ["a", "c"]
    assert "rows of the journal are damaged or gone, and left out: 2" in caplog.text


@pytest.mark.parametrize("damage", ["page", "flipped byte", "deleted row", "last row deleted"])
def test_a_damaged_journal_costs_what_is_damaged_and_no_ledger_of_before(
    stores: Stores, otlp: Otlp, caplog: pytest.LogCaptureFixture, damage: str
) -> None:
    store = stores()
    expected = [f"{number:02}" for number in range(40)]
    for name in expected:
        # So large, and so little alike, that a page holds one of them.
        run(store.export(otlp.payload(otlp.span({"vsm.stage.name": os.urandom(1500).hex()}, name=name))))
    run(store.caught_up())
    stores.close()
    lost = damage_journal(stores.data / "journal.sqlite", damage)
    with duckdb.connect(str(stores.ledger)) as connection:
        connection.execute("UPDATE ledger_state SET fingerprint = 'another'")
    stores.said.clear()
    store = stores()
    assert run(store.caught_up()) == [0.0]
    found = names(store)
    assert lost[0] <= len(expected) - len(found) <= lost[1]
    assert set(found) < set(expected)
    before = stores.data / "ledger.duckdb.before"
    if damage == "last row deleted":
        # The ledger of before had more than the journal: it stays, whatever comes.
        assert (stores.data / "ledger.duckdb.unusable").exists()
    else:
        assert "rows of the journal are damaged or gone" in caplog.text
        assert store.health.damaged == len(expected) - len(found)
        with duckdb.connect(str(before), read_only=True) as connection:
            assert connection.execute("SELECT count(*) FROM span").fetchall() == [(40,)]
        assert any("cannot be read, so figures lack their spans" in sentence for sentence in stores.said)


def test_a_ledger_that_could_not_be_written_is_opened_again_by_itself(
    stores: Stores, otlp: Otlp, listener: Remembering, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ledger_module, "_CHECKPOINT_SPANS", 2)
    monkeypatch.setattr(deriver_module, "RETRY_S", 0.05)
    store = stores()
    run(store.export(otlp.payload(otlp.span(name="a"), otlp.span(name="b"))), store.caught_up())
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    # As a full disk: nothing can be written beyond what the file has.
    resource.setrlimit(resource.RLIMIT_FSIZE, (stores.ledger.stat().st_size, limits[1]))
    try:
        run(
            store.export(
                otlp.payload(*[otlp.span({"vsm.stage.name": os.urandom(20_000).hex()}) for _ in "cd"])
            )
        )
        deadline = time.monotonic() + 20
        while len(listener.spans_at_open) < 2:
            assert time.monotonic() < deadline
            run(store.caught_up(0.1))
            large = {"vsm.change.reverts": os.urandom(400).hex()}
            run(store.export(otlp.payload(*[otlp.span(large | {"vsm.stage.name": "x"}) for _ in range(50)])))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert run(store.caught_up(20)) == [0.0]
    assert store.unready() == []
    run(store.export(otlp.payload(otlp.span(name="last"), otlp.span())), store.caught_up())
    assert "last" in names(store)
    assert {"a", "b"} <= {*names(store)}


def damage_journal(file: Path, damage: str) -> tuple[int, int]:
    """How many rows it costs, at least and at most."""
    with sqlite3.connect(file) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        if damage == "deleted row":
            connection.execute("DELETE FROM batch WHERE seq = 7")
            return (1, 1)
        if damage == "last row deleted":
            connection.execute("DELETE FROM batch WHERE seq = 40")
            return (1, 1)
        body = connection.execute("SELECT body FROM batch WHERE seq = 20").fetchone()[0]
    content = bytearray(file.read_bytes())
    at = content.index(body[200:240])
    if damage == "flipped byte":
        content[at + 20] ^= 1
    else:
        start = at // 4096 * 4096
        content[start : start + 4096] = b"\xa5" * 4096
    file.write_bytes(content)
    return (1, 3)


def test_a_new_ledger_takes_the_place_of_the_one_before_when_it_is_whole(
    stores: Stores, otlp: Otlp, derived: Derived
) -> None:
    store = stores()
    run(store.export(otlp.payload(otlp.span(name="a"))), store.caught_up())
    stores.close()
    with duckdb.connect(str(stores.ledger)) as connection:
        connection.execute("UPDATE ledger_state SET fingerprint = 'another'")
    before = stores.data / "ledger.duckdb.before"
    derived.go_on.clear()
    store = stores()
    assert before.exists()
    derived.go_on.set()
    run(store.caught_up())
    assert not before.exists()


@pytest.mark.parametrize(
    ("damage", "reason"),
    [
        ("missing", "is missing"),
        ("emptied", "is damaged"),
        ("cut", "is damaged"),
        ("block", "is damaged"),
        ("unfinished", "was never finished"),
        ("older", "follows other rules"),
        ("other rules", "follows other rules"),
        ("other journal", "belongs to another journal"),
        ("ahead", "belongs to another journal"),
    ],
)
def test_a_ledger_that_is_of_no_use_is_made_again(
    stores: Stores, otlp: Otlp, damage: str, reason: str
) -> None:
    store = stores()
    for number in range(3):
        run(store.export(otlp.payload(*[otlp.span(name=f"{number}.{i}") for i in range(500)])))
    run(store.caught_up())
    expected = names(store)
    stores.close()
    do_damage(stores.ledger, damage)
    store = stores()
    assert run(store.caught_up()) == [0.0]
    assert names(store) == expected
    (sentence,) = stores.said
    assert sentence.startswith(f"the ledger {stores.ledger} {reason}")
    assert sentence.endswith("; it is made again from the journal")
    stores()
    assert len(stores.said) == 1


def do_damage(file: Path, damage: str) -> None:
    size = file.stat().st_size
    changes = {
        "older": "ALTER TABLE ledger_state DROP fingerprint",
        "other rules": "UPDATE ledger_state SET fingerprint = 'another'",
        "other journal": "UPDATE ledger_state SET journal = 'another'",
        "ahead": "UPDATE ledger_state SET position = 1000",
    }
    if damage in changes:
        with duckdb.connect(str(file)) as connection:
            connection.execute(changes[damage])
    elif damage == "block":
        # The blocks begin after three headers of 4 KiB; the first ones hold columns of spans.
        with file.open("r+b") as opened:
            opened.seek(3 * 4096 + 20_000)
            opened.write(b"\xa5" * 1000)
    elif damage == "cut":
        os.truncate(file, size // 2)
    else:
        file.unlink()
        if damage == "emptied":
            file.touch()
        elif damage == "unfinished":
            duckdb.connect(str(file)).close()


def test_a_ledger_elsewhere_is_set_aside_and_not_deleted(stores: Stores, otlp: Otlp, tmp_path: Path) -> None:
    elsewhere = tmp_path / "my.duckdb"
    elsewhere.write_bytes(b"my holiday photographs")
    store = stores(store=f"duckdb://{elsewhere}")
    run(store.export(otlp.payload(otlp.span(name="a"))), store.caught_up())
    assert names(store) == ["a"]
    assert (tmp_path / "my.duckdb.unusable").read_bytes() == b"my holiday photographs"
    assert stat.S_IMODE(elsewhere.stat().st_mode) == 0o600


def test_somebody_elses_database_is_left_alone(stores: Stores, tmp_path: Path) -> None:
    elsewhere = tmp_path / "my.duckdb"
    with duckdb.connect(str(elsewhere)) as connection:
        connection.execute("CREATE TABLE mine AS SELECT 1 AS x")
    with pytest.raises(UnusableError, match="a DuckDB database of something else"):
        stores(store=f"duckdb://{elsewhere}")
    with duckdb.connect(str(elsewhere)) as connection:
        assert connection.execute("FROM mine").fetchall() == [(1,)]


def test_a_ledger_in_use_is_left_alone(stores: Stores, tmp_path: Path) -> None:
    elsewhere = tmp_path / "my.duckdb"
    code = f"import duckdb; c = duckdb.connect({str(elsewhere)!r}); print(flush=True); input()"
    with subprocess.Popen(
        [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as other:
        assert other.stdout is not None
        other.stdout.readline()
        with pytest.raises(UnusableError, match="another process is using the ledger"):
            stores(store=f"duckdb://{elsewhere}")
        other.communicate(b"\n")
    assert elsewhere.exists()


def test_a_place_for_the_ledger_that_cannot_be_written_is_named(stores: Stores) -> None:
    with pytest.raises(UnusableError, match="cannot be written"):
        stores(store="duckdb:///no/such/folder/ledger.duckdb")


@pytest.mark.parametrize("store", ["sqlite:", "duckdb", "duckdb://relative", "duckdb:///", "postgres://x"])
def test_an_unknown_store_is_told_what_is_known(stores: Stores, store: str) -> None:
    with pytest.raises(ValueError, match="use 'duckdb:' for a file in the data folder"):
        stores(store=store)
    assert not stores.data.exists()


def test_one_collector_per_folder(stores: Stores, derived: Derived) -> None:
    stores()
    with pytest.raises(UnusableError, match="another collector is using"):
        Store(stores.data, derived, say=print)


def test_health_counts_what_came(stores: Stores, otlp: Otlp, listener: Remembering) -> None:
    store = stores()
    payload = otlp.payload(otlp.span(), otlp.span(), otlp.span({}), otlp.span(trace_id=b""))
    run(store.export(payload), store.caught_up())
    health = store.health
    assert (health.received, health.rejected, health.filtered, health.kept) == (4, 1, 1, 2)
    assert health.journal_bytes > 0
    assert listener.counts == [Counts(received=4, rejected=1, filtered=1, kept=2)]
    assert [run.succeeded for run in listener.runs] == [True]


def test_it_is_not_ready_before_what_it_kept_is_derived(stores: Stores, otlp: Otlp, derived: Derived) -> None:
    store = stores()
    run(store.export(otlp.payload(otlp.span())))
    stores.close()
    stores.ledger.unlink(missing_ok=True)
    derived.go_on.clear()
    store = stores()
    (reason,) = store.unready()
    assert reason.startswith("1 rows of the journal from before the start")
    derived.go_on.set()
    run(store.caught_up())
    assert store.unready() == []
