import os
from contextlib import ExitStack

import duckdb

from otel_vsm_collector.stores.duckdb.cores import Cores


def test_all_cores_are_used_while_somebody_wants_them() -> None:
    with duckdb.connect(config={"threads": 1}) as connection:
        cores = Cores(connection)

        def used() -> int:
            ((threads,),) = connection.execute("SELECT current_setting('threads')").fetchall()
            return int(threads)

        many = min(4, os.cpu_count() or 1)
        with ExitStack() as first:
            first.enter_context(cores.all())
            with cores.all():
                assert used() == many
            assert used() == many
        assert used() == 1
