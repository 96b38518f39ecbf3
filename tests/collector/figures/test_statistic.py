"""Statistics do not depend on the order in which rows come."""

import ibis
import pytest

from otel_vsm_collector.figures.statistic import statistic, total

UNEVEN = [0.1, 0.2, 0.3]


@pytest.mark.parametrize("values", [UNEVEN, UNEVEN[::-1]])
def test_sum_and_mean_are_the_same_to_the_last_bit_in_any_order(values: list[float]) -> None:
    assert len({sum(UNEVEN), sum(UNEVEN[::-1])}) > 1, "the numbers must be uneven"
    rows = ibis.memtable({"seconds": values})
    (row,) = (
        ibis.duckdb.connect()
        .execute(rows.aggregate(total=total(rows.seconds), **statistic(rows.seconds, "time")))
        .to_dict("records")
    )
    assert row["total"] == 0.6
    assert row["time_mean"] == 0.6 / 3


def test_nothing_has_no_sum_and_no_mean() -> None:
    rows = ibis.memtable({"seconds": []}, schema={"seconds": "float64"})
    found = ibis.duckdb.connect().to_pyarrow(
        rows.aggregate(total=total(rows.seconds), **statistic(rows.seconds, "time"))
    )
    (row,) = found.to_pylist()
    assert (row["total"], row["time_mean"], row["time_count"]) == (None, None, 0)
