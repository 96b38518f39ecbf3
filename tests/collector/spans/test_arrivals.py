"""A span that ends long after it arrived lies in the future."""

import pyarrow as pa
import pytest

from otel_vsm_collector.spans.arrivals import FUTURE_NS, with_future
from otel_vsm_collector.spans.columns import schema

ARRIVALS = [(7, 1_000), (8, 2_000)]


@pytest.mark.parametrize(
    ("seq", "ended_at", "future"),
    [
        (7, 0, None),
        (7, 1_000 + FUTURE_NS, None),
        (7, 1_001 + FUTURE_NS, True),
        (8, 1_001 + FUTURE_NS, None),
        (8, 2**63 - 1, True),
    ],
)
def test_it_is_an_hour_that_clocks_may_be_wrong(seq: int, ended_at: int, future: bool | None) -> None:
    rows = pa.Table.from_pylist([{"seq": seq, "ended_at": ended_at}], schema=schema("span"))
    found = with_future(rows, ARRIVALS)
    assert found.schema == rows.schema
    assert found["future"].to_pylist() == [future]
