"""gzip that is whole, in pieces, broken or a bomb: conformance A1.2 and A1.3."""

import gzip
import tracemalloc
import zlib

import pytest

from otel_vsm_collector.receive.limits import MAX_REQUEST_BYTES, CorruptError, TooLargeError, gunzip


def test_members_one_after_the_other_are_one_body() -> None:
    assert gunzip(gzip.compress(b"one") + gzip.compress(b"") + gzip.compress(b"two")) == b"onetwo"


@pytest.mark.parametrize(
    "packed",
    [
        b"",
        b"no gzip",
        gzip.compress(b"x" * 100)[:-1],
        gzip.compress(b"x" * 100)[:15],
        gzip.compress(b"x") + b"more",
        gzip.compress(b"x" * 100)[:-8] + b"\0" * 8,
        zlib.compress(b"x"),
    ],
    ids=range(7),
)
def test_what_is_broken_is_corrupt(packed: bytes) -> None:
    with pytest.raises(CorruptError):
        gunzip(packed)


def test_the_limit_itself_is_allowed() -> None:
    assert len(gunzip(gzip.compress(bytes(MAX_REQUEST_BYTES), 1))) == MAX_REQUEST_BYTES


@pytest.mark.parametrize("members", [1, 5])
def test_a_bomb_is_refused_before_it_fills_the_memory(members: int) -> None:
    bomb = gzip.compress(bytes(8 * MAX_REQUEST_BYTES // members), 1) * members
    tracemalloc.start()
    try:
        with pytest.raises(TooLargeError):
            gunzip(bomb)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 3 * MAX_REQUEST_BYTES
