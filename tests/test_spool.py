"""The spool: whole files or none, one process per file, bounded, and nobody else's."""

import os
import stat
import subprocess
import sys
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.factories import NewRecord, RunPython
from otel_vsm.export.parcel import DamagedParcel, Parcel
from otel_vsm.export.spool import MAX_AGE_S, LockedEntry, Spool
from otel_vsm.identity import SpanId, SpanReference, TraceId
from otel_vsm.record import Record, Value

HEX = "0123456789abcdef"
REFERENCES = st.lists(st.builds(SpanReference, st.text(HEX), st.text(HEX)))
VALUES = st.text() | st.booleans() | st.integers() | st.floats(allow_nan=False)


@pytest.fixture
def spool(tmp_path: Path) -> Spool:
    return Spool(tmp_path / "spool")


def parcel_of(*records: Record) -> Parcel:
    return Parcel(resource={"service.name": "shop"}, records=records)


def locked(spool: Spool) -> list[LockedEntry]:
    return list(spool.locked_entries())


def test_what_was_put_comes_back_oldest_first(spool: Spool, new_record: NewRecord) -> None:
    parcels = [parcel_of(new_record(f"stage {number}")) for number in range(3)]
    for parcel in parcels:
        spool.put(parcel).release()
    assert [entry.parcel for entry in locked(spool)] == parcels


def test_an_entry_says_how_much_it_holds(spool: Spool, new_record: NewRecord) -> None:
    spool.put(parcel_of(new_record(), new_record())).release()
    (entry,) = spool.entries()
    assert entry.spans == 2
    assert entry.bytes == entry.path.stat().st_size > 0


def test_only_the_user_can_read_it(spool: Spool, new_record: NewRecord) -> None:
    before = os.umask(0)
    try:
        entry = spool.put(parcel_of(new_record()))
    finally:
        os.umask(before)
    assert stat.S_IMODE(entry.entry.path.stat().st_mode) == 0o600
    assert stat.S_IMODE(spool.directory.stat().st_mode) == 0o700


def test_a_folder_that_others_could_enter_is_closed(tmp_path: Path) -> None:
    folder = tmp_path / "spool"
    folder.mkdir()
    folder.chmod(0o777)
    Spool(folder)
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700


def test_a_link_in_place_of_the_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "spool").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(OSError, match="not a directory"):
        Spool(tmp_path / "spool")


def test_links_and_pipes_in_place_of_files_are_left_alone(
    spool: Spool, tmp_path: Path, new_record: NewRecord
) -> None:
    secret = tmp_path / "secret"
    secret.write_text(parcel_of(new_record()).to_text())
    link = spool.directory / f"{time.time_ns():020d}-1-00000000.spans"
    link.symlink_to(secret)
    os.mkfifo(spool.directory / f"{time.time_ns():020d}-1-00000001.spans")
    assert locked(spool) == []
    assert spool.entries() == []
    assert link.is_symlink()


def test_what_is_locked_is_not_locked_again(spool: Spool, new_record: NewRecord) -> None:
    own = spool.put(parcel_of(new_record()))
    assert locked(spool) == []
    own.release()
    (again,) = locked(spool)
    assert locked(spool) == []
    again.remove()
    assert spool.entries() == []


def test_what_a_killed_process_had_locked_is_free_again(spool: Spool, new_record: NewRecord) -> None:
    spool.put(parcel_of(new_record())).release()
    code = (
        "import sys, time; from pathlib import Path; from otel_vsm.export.spool import Spool\n"
        f"entries = list(Spool(Path({str(spool.directory)!r})).locked_entries())\n"
        "print(len(entries), flush=True)\n"
        "time.sleep(600)\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    ) as other:
        assert other.stdout
        assert other.stdout.readline() == "1\n"
        assert locked(spool) == []
        other.kill()
    assert len(locked(spool)) == 1


def test_processes_that_send_at_once_share_the_work(spool: Spool, new_record: NewRecord) -> None:
    for _ in range(40):
        spool.put(parcel_of(new_record())).release()
    code = (
        "from pathlib import Path; from otel_vsm.export.spool import Spool\n"
        f"for entry in Spool(Path({str(spool.directory)!r})).locked_entries():\n"
        "    print(entry.entry.path.name); entry.remove()\n"
    )
    env = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    others = [
        subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True, env=env)
        for _ in range(4)
    ]
    names = [name for other in others for name in other.communicate()[0].split()]
    assert len(names) == len(set(names)) == 40
    assert spool.entries() == []


def test_too_many_files_cost_the_oldest(tmp_path: Path, new_record: NewRecord) -> None:
    spool = Spool(tmp_path / "spool", max_files=3)
    for number in range(5):
        spool.put(parcel_of(new_record(f"stage {number}"), new_record())).release()
    assert spool.trim() == 4
    assert [entry.parcel.records[0].name for entry in locked(spool)] == ["stage 2", "stage 3", "stage 4"]


def test_too_many_bytes_cost_the_oldest(tmp_path: Path, new_record: NewRecord) -> None:
    size = len(parcel_of(new_record()).to_text())
    spool = Spool(tmp_path / "spool", max_bytes=2 * size + size // 2)
    for number in range(4):
        spool.put(parcel_of(new_record(f"{number:05}"))).release()
    assert spool.trim() == 2
    assert [entry.parcel.records[0].name for entry in locked(spool)] == ["00002", "00003"]


def test_what_is_being_sent_is_not_dropped(tmp_path: Path, new_record: NewRecord) -> None:
    spool = Spool(tmp_path / "spool", max_files=1)
    sending = spool.put(parcel_of(new_record()))
    spool.put(parcel_of(new_record())).release()
    assert spool.trim() == 1
    assert [entry.path for entry in spool.entries()] == [sending.entry.path]


def test_a_parcel_that_is_larger_than_the_spool_is_not_kept(tmp_path: Path, new_record: NewRecord) -> None:
    spool = Spool(tmp_path / "spool", max_bytes=100)
    with pytest.raises(OSError, match="more than the spool may hold"):
        spool.put(parcel_of(new_record()))
    assert list(spool.directory.iterdir()) == []


def test_what_is_older_than_a_week_goes(spool: Spool, new_record: NewRecord) -> None:
    entry = spool.put(parcel_of(new_record()))
    entry.release()
    old_ns = time.time_ns() - round((MAX_AGE_S + 1) * 1e9)
    entry.entry.path.rename(spool.directory / f"{old_ns:020d}-1-00000000.spans")
    spool.put(parcel_of(new_record("young"))).release()
    assert spool.trim() == 1
    assert [entry.parcel.records[0].name for entry in locked(spool)] == ["young"]


def test_what_a_process_left_half_written_goes_in_time(spool: Spool) -> None:
    young, old = spool.directory / "1-1-a.writing", spool.directory / "0-1-a.writing"
    for path in (young, old):
        path.write_text("half of")
    os.utime(old, (0, 0))
    spool.trim()
    assert young.exists()
    assert not old.exists()


@pytest.mark.parametrize(
    "text", ["", "{", "[]\n{}\n", '{}\n{"trace_id": 1}\n', "null\n", "{}\n[1]\n", "\xff"]
)
def test_a_damaged_file_holds_up_nothing(spool: Spool, new_record: NewRecord, text: str) -> None:
    damaged = spool.directory / f"{0:020d}-1-00000000.spans"
    damaged.write_bytes(text.encode("latin-1"))
    spool.put(parcel_of(new_record())).release()
    assert len(locked(spool)) == 1
    assert not damaged.exists()


def test_files_of_others_are_left_alone(spool: Spool) -> None:
    other = spool.directory / "README"
    other.write_text("mine")
    assert spool.entries() == []
    assert locked(spool) == []
    spool.trim()
    assert other.exists()


def test_where_the_disk_is_full_nothing_is_left_behind(run_python: RunPython, tmp_path: Path) -> None:
    # A limit on the size of files fails as a full disk does, and needs no disk to fill.
    done = run_python(
        "import resource; from pathlib import Path\n"
        "from otel_vsm.export.parcel import Parcel; from otel_vsm.export.spool import Spool\n"
        f"spool = Spool(Path({str(tmp_path / 'spool')!r}))\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (10, 10))\n"
        "try: spool.put(Parcel(resource={'service.name': 'shop'}, records=()))\n"
        "except OSError as error: print(type(error).__name__, list(spool.directory.iterdir()))\n"
    )
    assert done.stdout == "OSError []\n", done.stderr


@given(
    resource=st.dictionaries(st.text(), st.text()),
    attributes=st.dictionaries(st.text(), VALUES),
    name=st.text(st.characters(exclude_categories=())),
    times=st.tuples(st.integers(), st.integers()),
    failed=st.booleans(),
    links=REFERENCES,
    ancestors=REFERENCES,
)
def test_a_parcel_survives_being_written(
    resource: dict[str, str],
    attributes: dict[str, Value],
    name: str,
    times: tuple[int, int],
    failed: bool,
    links: list[SpanReference],
    ancestors: list[SpanReference],
) -> None:
    record = Record(
        trace_id=TraceId("ab" * 16),
        span_id=SpanId("cd" * 8),
        parent_span_id=None,
        name=name,
        start_ns=times[0],
        end_ns=times[1],
        attributes=attributes,
        links=tuple(links),
        ancestors=tuple(ancestors),
        failed=failed,
    )
    parcel = Parcel(resource=resource, records=(record, record))
    assert Parcel.from_text(parcel.to_text()) == parcel


def test_what_an_earlier_version_left_is_read(new_record: NewRecord) -> None:
    """It knew no ancestors."""
    parcel = parcel_of(new_record())
    text = parcel.to_text()
    assert Parcel.from_text(text.replace(',"ancestors":[]', "")) == parcel
    assert '"ancestors"' in text


@given(st.text())
def test_text_that_is_no_parcel_is_said_to_be_damaged(text: str) -> None:
    try:
        Parcel.from_text(text)
    except DamagedParcel:
        return
    assert text.lstrip().startswith(("{", "["))
