"""Pages of a list: newest first, then by id, from where the last page ended."""

import base64
import binascii
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeVar

import ibis
from ibis.expr import types as ir
from pydantic import Field

from otel_vsm_collector.facts.reader import Reader
from otel_vsm_collector.facts.selection import Selection
from otel_vsm_collector.web.api.parameters import Filters
from otel_vsm_collector.web.api.problems import BadParameter

Item = TypeVar("Item")
_NULL = -1
"""Below all that is counted or timed."""


class Paging(Filters):
    limit: int = Field(100, ge=1, le=1000)
    cursor: str | None = Field(None, max_length=4096, description="`next_cursor` of the page before.")

    def position(self) -> "Position | None":
        """Where the page before ended. Raises BadParameter where the cursor is none of ours."""
        return None if self.cursor is None else Position.read(self.cursor)

    def selection(self, reader: Reader) -> Selection:
        """The facts that are asked for; on later pages those of the first one's window."""
        selection = super().selection(reader)
        position = self.position()
        return (
            selection
            if position is None
            else replace(selection, from_ns=position.from_ns, to_ns=position.to_ns)
        )


@dataclass(frozen=True, slots=True)
class Position:
    """The last item of a page, and the window that the pages are of."""

    from_ns: int
    to_ns: int
    at_ns: int
    id: str
    ties: tuple[int, ...] = ()
    """Its values of what orders items of one moment."""

    def written(self) -> str:
        position = [self.from_ns, self.to_ns, self.at_ns, self.id, *self.ties]
        text = json.dumps(position, separators=(",", ":"))
        return base64.urlsafe_b64encode(text.encode()).rstrip(b"=").decode()

    @classmethod
    def read(cls, cursor: str) -> "Position":
        try:
            text = base64.urlsafe_b64decode(cursor.encode() + b"=" * (-len(cursor) % 4))
            from_ns, to_ns, at_ns, id_, *ties = json.loads(text)
            id_.encode()  # half of a surrogate pair is no text
        except (binascii.Error, ValueError, TypeError, AttributeError, RecursionError):
            raise _foreign() from None
        whole = (from_ns, to_ns, at_ns, *ties)
        if not all(type(one) is int and abs(one) < 2**63 for one in whole) or not 0 <= from_ns < to_ns:
            raise _foreign()
        return cls(from_ns, to_ns, at_ns, id_, tuple(ties))


@dataclass(frozen=True, slots=True)
class Listed:
    """What is listed: `moments` gives everything that is selected, with an `id`; `newest` is the column that
    it is ordered by, newest first, and never null; `described` says more of some of it. `ties` are columns of
    numbers that order those of one moment before their ids do, the largest first and null last."""

    newest: str
    moments: Callable[[Selection], ir.Table]
    described: Callable[[Selection, ir.Table], ir.Table]
    ties: tuple[str, ...] = ()

    def after(self, position: Position) -> dict[str, int | str]:
        """What has to be known of a position. Raises BadParameter where it is one in another list."""
        if len(position.ties) != len(self.ties):
            raise _foreign()
        ties = zip(self.ties, position.ties, strict=True)
        return {self.newest: position.at_ns, "id": position.id, **dict(ties)}

    def position(self, selection: Selection, row: dict[str, Any]) -> Position:
        ties = tuple(_NULL if row[name] is None else row[name] for name in self.ties)
        return Position(selection.from_ns, selection.to_ns, row[self.newest], row["id"], ties)


def first(selection: Selection, listed: Listed, limit: int, **after: Any) -> ir.Table:
    """The newest of what is listed after a position."""
    rows = listed.moments(selection)
    ties = {name: ibis._[name].fill_null(_NULL) for name in listed.ties}
    by = {listed.newest: ibis._[listed.newest], **ties}
    if after:
        comes_later = ibis._.id > after["id"]
        for name, column in reversed(by.items()):
            comes_later = (column < after[name]) | ((column == after[name]) & comes_later)
        rows = rows.filter(comes_later)
    order = [*map(ibis.desc, by.values()), "id"]
    # All that is known of everything would be far more than of a page.
    return listed.described(selection, rows.order_by(order).limit(limit)).order_by(order)


def page(
    reader: Reader, listed: Listed, asked: Paging, selection: Selection
) -> tuple[list[dict[str, Any]], str | None]:
    """The rows of the page that is asked for, and the cursor of the next, None on the last."""
    position = asked.position()
    after = {} if position is None else listed.after(position)
    rows = reader.answer(first, selection, listed, asked.limit + 1, **after)
    if len(rows) <= asked.limit:
        return rows, None
    return rows[: asked.limit], listed.position(selection, rows[asked.limit - 1]).written()


def part(
    items: Sequence[Item], asked: Paging, selection: Selection, *, key: Callable[[Item], str]
) -> tuple[list[Item], str | None]:
    """The same of a short list that is known as a whole; `key` tells its items apart and orders them."""
    position = asked.position()
    left = sorted((item for item in items if position is None or key(item) > position.id), key=key)
    shown = left[: asked.limit]
    if len(shown) == len(left):
        return shown, None
    return shown, Position(selection.from_ns, selection.to_ns, 0, key(shown[-1])).written()


def _foreign() -> BadParameter:
    return BadParameter("cursor", "is none of this collector's; take next_cursor of the page before as it is")
