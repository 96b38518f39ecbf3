"""Which spans lie in the future, by when they arrived: what says that it has happened cannot have."""

from collections.abc import Sequence

import pyarrow as pa
import pyarrow.compute as pc

FUTURE_NS = 3600 * 10**9
"""How long after it arrived a span may end: clocks of machines differ."""


def with_future(spans: pa.Table, arrivals: Sequence[tuple[int, int]]) -> pa.Table:
    """Rows of the table `span` with the column `future` filled.

    `arrivals` are the numbers of the rows of the journal that the spans came with, and when each was kept.
    """
    seqs, received_at = (pa.array(column, pa.int64()) for column in zip(*arrivals, strict=True))
    latest = pc.add(received_at.take(pc.index_in(spans["seq"], value_set=seqs)), FUTURE_NS)
    # Null where it is not, so that what is there of it can be skipped.
    future = pc.if_else(pc.greater(spans["ended_at"], latest), True, None)
    return spans.set_column(spans.schema.get_field_index("future"), spans.schema.field("future"), future)
