"""Days, weeks and months as a time zone has them; instants are nanoseconds since the epoch."""

from datetime import UTC, date, datetime, timedelta
from fractions import Fraction
from typing import Literal
from zoneinfo import ZoneInfo

Step = Literal["day", "week", "month"]
Offsets = tuple[tuple[int, int], ...]
"""(from when on, nanoseconds that local time is ahead of UTC), ascending; the first holds before too."""

AT_UTC: Offsets = ((0, 0),)
_SECOND_NS = 10**9
_HOUR_NS = 3600 * _SECOND_NS
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def offsets(zone: str, from_ns: int, to_ns: int) -> Offsets:
    """How far the zone's clocks are ahead of UTC between two instants; at most one change a day is seen."""
    # The first one says nothing of the window: questions that differ in nothing else are compiled once.
    known = [(0, _offset_ns(zone, from_ns))]
    day = 24 * _HOUR_NS
    moment = from_ns
    while moment < to_ns:
        following = min(moment + day, to_ns)
        if _offset_ns(zone, following) != known[-1][1]:
            low, high = moment, following
            while high - low > _SECOND_NS:
                middle = (low + high) // 2
                if _offset_ns(zone, middle) == known[-1][1]:
                    low = middle
                else:
                    high = middle
            # Clocks are changed on full seconds.
            known.append((high // _SECOND_NS * _SECOND_NS, _offset_ns(zone, high)))
        moment = following
    return tuple(known)


def days(zone: str, from_ns: int, to_ns: int) -> float:
    """How many days of the zone's calendar lie between two instants; a part of a day is its share of that
    day, which may have 23 or 25 hours."""
    (first, begun), (last, ended) = (_day_at(zone, moment) for moment in (from_ns, to_ns))
    return float((last - first).days + ended - begun)


def _day_at(zone: str, moment_ns: int) -> tuple[date, Fraction]:
    """The day that an instant lies in, and the share of it that is over."""
    day = datetime.fromtimestamp(moment_ns // _SECOND_NS, ZoneInfo(zone)).date()
    begins, ends = midnight(day, zone), midnight(day + timedelta(days=1), zone)
    return day, Fraction(moment_ns - begins, ends - begins)


def midnight(day: date, zone: str) -> int:
    """When a day begins in the zone; where the clocks skip its midnight, that is when they do."""
    begins = datetime(day.year, day.month, day.day, tzinfo=ZoneInfo(zone)).astimezone(UTC) - _EPOCH
    return begins // timedelta(seconds=1) * _SECOND_NS


def edges(step: Step, zone: str, from_ns: int, to_ns: int, limit: int) -> list[int]:
    """When the days, weeks (from Monday) or months begin that touch from_ns ≤ time < to_ns, and when the last
    ends; at most `limit` + 2 instants."""
    local = datetime.fromtimestamp(from_ns // _SECOND_NS, ZoneInfo(zone)).date()
    begin = local
    if step == "week":
        begin = local - timedelta(days=local.weekday())
    elif step == "month":
        begin = local.replace(day=1)
    begins = [midnight(begin, zone)]
    while begins[-1] < to_ns and len(begins) < limit + 2:
        begin = after(begin, step)
        begins.append(midnight(begin, zone))
    return begins


def after(begin: date, step: Step) -> date:
    """The day on which the next step begins."""
    if step == "month":
        return (begin.replace(day=1) + timedelta(days=32)).replace(day=1)
    return begin + timedelta(days=1 if step == "day" else 7)


def before(begin_ns: int, step: Step, zone: str) -> int:
    """When the step before the one that begins at an instant begins."""
    begin = datetime.fromtimestamp(begin_ns // _SECOND_NS, ZoneInfo(zone)).date()
    if step == "month":
        return midnight((begin - timedelta(days=1)).replace(day=1), zone)
    return midnight(begin - timedelta(days=1 if step == "day" else 7), zone)


def window_before(zone: str, from_ns: int, to_ns: int) -> int:
    """When the window before the one from from_ns to to_ns begins: of whole days of the zone's calendar as
    many days earlier, which may have 23 or 25 hours, of others its length. It may lie before the
    epoch: an empty one would have no days to divide by."""
    (first, begun), (last, ended) = (_day_at(zone, moment) for moment in (from_ns, to_ns))
    is_whole = not begun and not ended
    return midnight(first - (last - first), zone) if is_whole else from_ns - (to_ns - from_ns)


def _offset_ns(zone: str, moment_ns: int) -> int:
    offset = datetime.fromtimestamp(moment_ns // _SECOND_NS, ZoneInfo(zone)).utcoffset()
    return (offset or timedelta()) // timedelta(seconds=1) * _SECOND_NS
