"""When what the ledger took in becomes durable."""

import shutil
from pathlib import Path

import duckdb
import pyarrow as pa
import pytest

from otel_vsm_collector.spans.columns import schema
from otel_vsm_collector.spans.rows import Rows
from otel_vsm_collector.stores.duckdb import ledger as kept
from otel_vsm_collector.stores.duckdb.ledger import Ledger


class Nothing:
    """Derives nothing."""

    fingerprint = "of no rules"

    def create_tables(self) -> None:
        pass

    def refresh(self, first_seq: int, last_seq: int) -> int:
        return 0


def test_it_is_written_seldom_while_it_hurries_and_once_as_that_ends(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kept, "_CHECKPOINT_SPANS", 2)
    monkeypatch.setattr(kept, "_HURRIED_CHECKPOINT_SPANS", 4)
    path, copy = tmp_path / "ledger.duckdb", tmp_path / "copy.duckdb"
    ledger = Ledger(path, lambda _: Nothing())
    ledger.create("journal")

    def takes_two(seq: int) -> int:
        """The position in the file after that."""
        spans = pa.Table.from_pylist([{"seq": seq}, {"seq": seq}], schema=schema("span"))
        ledger.apply([Rows(spans, schema("span_link").empty_table())], seq, seq, [(seq, 0)])
        return durable()

    def durable() -> int:
        shutil.copy(path, copy)
        with duckdb.connect(copy, read_only=True) as found:
            ((position,),) = found.execute("SELECT position FROM ledger_state").fetchall()
            return int(position)

    assert takes_two(1) == 1
    ledger.hurry(True)
    assert [takes_two(seq) for seq in (2, 3, 4)] == [1, 3, 3]
    ledger.hurry(False)
    assert durable() == 4
    assert takes_two(5) == 5
    ledger.close()
