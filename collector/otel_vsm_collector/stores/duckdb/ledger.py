"""The ledger: columns of spans and the facts derived from them, in a DuckDB file.

Everything in it can be made again from the journal. So a file that is missing, of another version, of
another journal or damaged is replaced rather than repaired; and DuckDB writes no log of its own: the file
becomes durable at checkpoints, and what came after the last one is taken from the journal again.
"""

import contextlib
import logging
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Protocol

import duckdb
import pyarrow as pa

from otel_vsm_collector.spans.arrivals import with_future
from otel_vsm_collector.spans.columns import TABLES, ddl, schema
from otel_vsm_collector.spans.rows import Rows
from otel_vsm_collector.stores.duckdb.cores import Cores
from otel_vsm_collector.stores.folder import UnusableError

_log = logging.getLogger(__name__)

_DEFAULT_NAME = "ledger.duckdb"
_CONFIG: dict[str, str | bool | int | float | list[str]] = {
    "threads": 1,  # to begin with
    # When to write the file is said here, not by DuckDB: each time compresses the end of every table anew.
    "checkpoint_threshold": "1TB",
    "auto_checkpoint_skip_wal_threshold": 10**12,
    # What does not fit is written to a temporary file. By default DuckDB takes most of the machine.
    "memory_limit": "1GB",
}
_STATE = '"main"."ledger_state"'
_NAMES = (
    """SELECT format('"{}"."{}"', schema_name, table_name) FROM duckdb_tables()"""
    " WHERE database_name = 'ledger'"
)
_GIVEN_UP = "has been invalidated"
"""What DuckDB says of a database that it will not use any more."""
_ANOTHERS = "belongs to another journal"
_CHECKPOINT_SPANS = 100_000
"""How many spans may have to be taken from the journal again after a crash: a few seconds' work."""
_HURRIED_CHECKPOINT_SPANS = 600_000
"""The same while there is much to catch up with: the longer the ledger, the longer each checkpoint takes."""


class Refreshing(Protocol):
    """Who keeps the facts true (`derive.refresh.refresher.Refresher`), inside the caller's transaction."""

    @property
    def fingerprint(self) -> str:
        """Of the rules and definitions by which it does."""

    def create_tables(self) -> None:
        """Makes the tables of facts where they are missing."""

    def refresh(self, first_seq: int, last_seq: int) -> int:
        """Takes the ledger's rows with first_seq ≤ seq ≤ last_seq into the facts.

        Gives how many of them repeat a span and were taken out again.
        """


MakeRefreshing = Callable[[duckdb.DuckDBPyConnection], Refreshing]


def ledger_path(store: str, folder: Path) -> Path:
    """The file that a `--store` URL names; ValueError with a sentence that says what is allowed."""
    if store == "duckdb:":
        return folder / _DEFAULT_NAME
    if store.startswith("duckdb:///") and len(store) > len("duckdb:///"):
        return Path(store.removeprefix("duckdb://"))
    raise ValueError(
        f"the store {store!r} is not known: use 'duckdb:' for a file in the data folder,"
        " or 'duckdb:///path/to/file' for one elsewhere"
    )


def open_ledger(
    path: Path,
    refreshing: MakeRefreshing,
    *,
    journal: str,
    last_seq: int,
    say: Callable[[str], None],
    own: bool,
) -> "Ledger":
    """The ledger of a journal, new and empty where the file cannot be used; `say` is told the reason.

    `journal` and `last_seq` are the journal's identity and end. `own` tells that the file is in the
    collector's own folder, so that it may be deleted once there is a whole new one (`forget_before`); one
    elsewhere is set aside, and so is one that knows what the journal does not. Raises
    UnusableError where the file is in use, cannot be written or holds something else.
    """
    if path.exists():
        opened = _usable(path, refreshing, journal, last_seq)
        if isinstance(opened, Ledger):
            return opened
        kept = _set_aside(path, opened, own)
        as_ = f", and is kept as {kept.name}" if kept else ""
        say(f"the ledger {path} {opened}{as_}; it is made again from the journal")
    elif last_seq:
        say(f"the ledger {path} is missing; it is made again from the journal")
    try:
        ledger = Ledger(path, refreshing)
        path.chmod(0o600)
        ledger.create(journal)
    except (duckdb.Error, OSError) as error:
        raise UnusableError(
            f"the ledger {path} cannot be written ({_first_line(error)}); name another file with --store"
        ) from None
    return ledger


class Ledger:
    """`cursor` may be called from any thread; everything else belongs to one thread at a time."""

    def __init__(self, path: Path, refreshing: MakeRefreshing) -> None:
        self._path = path
        # Beside the file, and not where the process was started.
        spill = str(path.with_name(path.name + ".tmp"))
        self._database = duckdb.connect(config={**_CONFIG, "temp_directory": spill})
        self._attach()
        self._writer = self.cursor()
        self._cores = Cores(self._database)
        self._since_checkpoint = 0
        self._hurries = False
        self._refreshing = refreshing(self._writer)
        self.position = 0
        """The journal's last row that is in here."""
        self.is_given_up = False
        """Whether nothing can be read or written any more, until it is opened again."""

    def cursor(self) -> duckdb.DuckDBPyConnection:
        """A connection of its own to read with; it sees what was committed before each of its statements."""
        cursor = self._database.cursor()
        cursor.execute("USE ledger")
        return cursor

    def _attach(self) -> None:
        quoted = str(self._path).replace("'", "''")
        self._database.execute(f"ATTACH '{quoted}' AS ledger (RECOVERY_MODE no_wal_writes)")

    def open_again(self) -> None:
        """Makes it what the file is: DuckDB gives a database up whose file it could not write."""
        # Not there where it was detached and the file could not be opened. Connections that use it can do
        # nothing until it is attached again.
        self._database.execute("DETACH DATABASE IF EXISTS ledger")
        self._attach()
        ((self.position,),) = self._writer.execute("SELECT position FROM ledger_state").fetchall()
        self._since_checkpoint = 0
        self.is_given_up = False

    def fault(self, journal: str, last_seq: int) -> str | None:
        """Why the file is no ledger of the journal, as the end of a sentence; None if it is one.

        Reads all of it: DuckDB notices damage in a block only when it reads the block.
        """
        names = {row[0] for row in self._writer.execute(_NAMES).fetchall()}
        if _STATE not in names:
            if names:
                raise UnusableError(
                    f"{self._path} is a DuckDB database of something else; name another file with --store"
                )
            return "was never finished"
        columns = self._writer.execute("SELECT * FROM ledger_state").description or []
        row = self._writer.fetchone()
        state = dict(zip((column[0] for column in columns), row or (), strict=False))
        if state["journal"] != journal or state["position"] > last_seq:
            return _ANOTHERS
        if state.get("fingerprint") != self._refreshing.fingerprint:
            return "follows other rules than this version of otel-vsm and its vsm.yaml"
        for name in sorted(names):
            self._writer.execute(f"SELECT bit_xor(hash(COLUMNS(*))) FROM {name}").fetchall()
        self.position = state["position"]
        return None

    def create(self, journal: str) -> None:
        """Makes the tables, empty, for the journal of that identity."""
        self._writer.begin()
        for name in TABLES:
            self._writer.execute(ddl(name))
        self._writer.execute(
            "INSERT INTO ledger_state VALUES (0, ?, ?)", [journal, self._refreshing.fingerprint]
        )
        self._refreshing.create_tables()
        self._writer.commit()
        self._writer.execute("CHECKPOINT ledger")

    def forget_before(self) -> None:
        """Deletes the ledger that this one was made in place of."""
        _before(self._path).unlink(missing_ok=True)

    def follow(self, refreshing: MakeRefreshing) -> None:
        """Empties itself, to be filled from the journal again with facts by other definitions."""
        following = refreshing(self._writer)
        self._writer.begin()
        try:
            for (name,) in self._writer.execute(_NAMES).fetchall():
                if name != _STATE:
                    self._writer.execute(f"DELETE FROM {name}")
            self._writer.execute(
                "UPDATE ledger_state SET position = 0, fingerprint = ?", [following.fingerprint]
            )
            self._writer.commit()
        except BaseException:
            with contextlib.suppress(duckdb.Error):
                self._writer.rollback()
            raise
        self._refreshing, self.position = following, 0

    @contextlib.contextmanager
    def reading(self) -> Iterator[duckdb.DuckDBPyConnection]:
        """A connection to answer questions with, by every core that helps."""
        with self._cores.all(), self.cursor() as connection:
            yield connection

    def hurry(self, hurry: bool) -> None:
        """Uses every core that helps, for as long as there is much to catch up with. Whoever asks for figures
        after that does not wait until it is written to disk."""
        if hurry != self._hurries:
            self._cores.want(1 if hurry else -1)
            self._hurries = hurry
            self._checkpoint_if_due()

    def apply(
        self, chunks: Iterable[Rows], first_seq: int, last_seq: int, arrivals: Sequence[tuple[int, int]]
    ) -> int:
        """Takes in what the rows first_seq ≤ seq ≤ last_seq of the journal hold, with all that follows from
        it, or nothing of it where that fails. Gives the number of spans that were known already.

        `arrivals` are the numbers of those that can be read, and when each was kept.
        """
        self._writer.begin()
        try:
            repeated = spans = 0
            for chunk in chunks:
                spans += chunk.span.num_rows
                self._insert("span", with_future(chunk.span, arrivals))
                self._insert("span_link", chunk.span_link)
            if spans:
                self._insert("arrival", _arrivals(arrivals))
                repeated = self._refreshing.refresh(first_seq, last_seq)
            self._writer.execute("UPDATE ledger_state SET position = ?", [last_seq])
            self._writer.commit()
        except BaseException as error:
            self.is_given_up = _GIVEN_UP in str(error)
            with contextlib.suppress(duckdb.Error):
                self._writer.rollback()
            raise
        self.position = last_seq
        self._since_checkpoint += spans
        self._checkpoint_if_due()
        return repeated

    def _checkpoint_if_due(self) -> None:
        if self._since_checkpoint >= (_HURRIED_CHECKPOINT_SPANS if self._hurries else _CHECKPOINT_SPANS):
            self.checkpoint()

    def _insert(self, name: str, rows: pa.Table) -> None:
        self._writer.register("incoming", rows)
        self._writer.execute(f"INSERT INTO {name} FROM incoming")
        self._writer.unregister("incoming")

    def interrupt(self) -> None:
        """Makes a running `apply` fail; from any thread."""
        self._writer.interrupt()

    def close(self) -> None:
        self._writer.close()
        self._database.close()

    def checkpoint(self) -> None:
        """Makes the file what the ledger is; where that fails, it stays as it was at the last checkpoint."""
        self._since_checkpoint = 0
        try:
            self._writer.execute("CHECKPOINT ledger")
        except duckdb.Error as error:
            # What was committed stays committed, only not yet durable; or it is taken from the journal again.
            self.is_given_up = _GIVEN_UP in str(error)
            _log.warning("the ledger %s could not be written: %s", self._path, error)


def _usable(path: Path, refreshing: MakeRefreshing, journal: str, last_seq: int) -> Ledger | str:
    """The ledger in the file, or why there is none of that journal."""
    try:
        ledger = Ledger(path, refreshing)
    except duckdb.Error as error:
        if "lock on file" in str(error):
            raise UnusableError(
                f"another process is using the ledger {path}; stop it, or name another file with --store"
            ) from None
        return f"is damaged ({_first_line(error)})"
    fault: str | None = "could not be read"
    try:
        fault = ledger.fault(journal, last_seq)
    except duckdb.Error as error:
        fault = f"is damaged ({_first_line(error)})"
    finally:
        if fault is not None:
            # Left open, DuckDB would take it for the new file of the same name.
            ledger.close()
    return ledger if fault is None else fault


def _set_aside(path: Path, reason: str, own: bool) -> Path | None:
    """Makes room for a new ledger; where the old one stays for good, if it does."""
    path.with_name(path.name + ".wal").unlink(missing_ok=True)
    if own and reason != _ANOTHERS:
        # One that is there already is of before a new one that never was whole.
        if _before(path).exists():
            path.unlink()
        else:
            path.replace(_before(path))
        return None
    names = (path.with_name(f"{path.name}.unusable{number}") for number in ("", *map(str, range(1, 1000))))
    kept = next(name for name in names if not name.exists())
    path.replace(kept)
    return kept


def _before(path: Path) -> Path:
    return path.with_name(path.name + ".before")


def _arrivals(arrivals: Sequence[tuple[int, int]]) -> pa.Table:
    return pa.table(list(zip(*arrivals, strict=True)), schema=schema("arrival"))


def _first_line(error: Exception) -> str:
    return str(error).partition("\n")[0]
