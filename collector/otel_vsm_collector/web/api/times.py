"""Times as the API writes and reads them: RFC 3339 outside, nanoseconds since the epoch inside."""

import re
from datetime import UTC, date, datetime, timedelta

from otel_vsm.text import quoted
from otel_vsm_collector.declared.lengths import Length

_SECOND_NS = 10**9
_RFC3339 = re.compile(
    r"(?P<day>\d{4}-\d{2}-\d{2})(?:[Tt ](?P<clock>\d{2}:\d{2}:\d{2})(?:\.(?P<fraction>\d{1,9})\d*)?"
    r"(?P<offset>[Zz]|[+-]\d{2}:\d{2}))?"
)
_MONTH = re.compile(r"(\d{4})-(0[1-9]|1[0-2])")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_LATEST = datetime(2262, 1, 1, tzinfo=UTC)
"""Nanoseconds since the epoch end in April of that year, as a 64-bit number."""


def read_time(text: str) -> int | date:
    """Nanoseconds of an RFC 3339 time with its offset, or a date, whose midnight is another moment in every
    time zone.

    Raises ValueError with a sentence that says what is allowed.
    """
    parts = _RFC3339.fullmatch(text)
    if not parts:
        raise ValueError(
            f"{quoted(text)} is no time; write a date such as 2026-05-01 (its midnight) or a time with an"
            " offset such as 2026-05-01T08:00:00Z or 2026-05-01T08:00:00+02:00"
            + (" (a + in a URL is written %2B)" if " " in text else "")
        )
    offset = (parts["offset"] or "Z").upper().replace("Z", "+00:00")
    try:
        moment = datetime.fromisoformat(f"{parts['day']}T{parts['clock'] or '00:00:00'}{offset}")
    except ValueError as error:
        raise ValueError(f"{quoted(text)} is no time: {error}") from None
    try:
        representable = _EPOCH <= moment < _LATEST
    except OverflowError:  # the offset leads out of the years 1 to 9999
        representable = False
    if not representable:
        raise ValueError(f"{quoted(text)} is out of range; times from 1970 to 2261 can be asked for")
    if not parts["clock"]:
        return moment.date()
    seconds = (moment - _EPOCH) // timedelta(seconds=1)
    return seconds * _SECOND_NS + int((parts["fraction"] or "").ljust(9, "0"))


def read_window(text: str) -> Length | date:
    """A length of time, or the first day of a month of the calendar such as `2026-05`.

    Raises ValueError with a sentence that says what is allowed.
    """
    if (month := _MONTH.fullmatch(text)) and "1970" <= month[1] < "2262":
        return date(int(month[1]), int(month[2]), 1)
    return Length(text)


def write_time(time_ns: int) -> str:
    """RFC 3339 in UTC, with as many digits after the second as the time has."""
    seconds, nanoseconds = divmod(time_ns, _SECOND_NS)
    moment = _EPOCH + timedelta(seconds=seconds)
    fraction = f".{nanoseconds:09d}".rstrip("0") if nanoseconds else ""
    return f"{moment:%Y-%m-%dT%H:%M:%S}{fraction}Z"
