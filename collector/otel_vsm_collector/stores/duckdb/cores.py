"""How many of the machine's cores the ledger uses."""

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import duckdb

_MOST = 4


class Cores:
    """One, but for as long as somebody wants more: a few new spans are derived no faster by two, and while
    they are, the others receive. From any thread."""

    def __init__(self, connection: duckdb.DuckDBPyConnection) -> None:
        self._connection = connection
        self._lock = threading.Lock()
        self._wanting = 0

    @contextmanager
    def all(self) -> Iterator[None]:
        """Uses every core that helps, until the block ends."""
        self.want(1)
        try:
            yield
        finally:
            self.want(-1)

    def want(self, more: int) -> None:
        """One more wants them all (1), or one of those does no longer (-1)."""
        with self._lock:
            alone = not self._wanting
            self._wanting += more
            if alone or not self._wanting:
                threads = min(_MOST, os.cpu_count() or 1) if self._wanting else 1
                self._connection.execute(f"SET threads = {threads}")
