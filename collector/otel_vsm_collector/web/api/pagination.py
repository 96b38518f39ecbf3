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

    def written(self) -> str:
        text = json.dumps([self.from_ns, self.to_ns, self.at_ns, self.id], separators=(",", ":"))
        return base64.urlsafe_b64encode(text.encode()).rstrip(b"=").decode()

    @classmethod
    def read(cls, cursor: str) -> "Position":
        try:
            text = base64.urlsafe_b64decode(cursor.encode() + b"=" * (-len(cursor) % 4))
            from_ns, to_ns, at_ns, id_ = json.loads(text)
        except (binascii.Error, ValueError, TypeError):
            raise _foreign() from None
        whole = (from_ns, to_ns, at_ns)
        if not (isinstance(id_, str) and all(type(one) is int and abs(one) < 2**63 for one in whole)):
            raise _foreign()
        return cls(from_ns, to_ns, at_ns, id_)


@dataclass(frozen=True, slots=True)
class Listed:
    """What is listed: `moments` gives everything that is selected, with an `id`; `newest` is the column that
    it is ordered by, newest first, and never null; `described` says more of some of it."""

    newest: str
    moments: Callable[[Selection], ir.Table]
    described: Callable[[Selection, ir.Table], ir.Table]


def first(selection: Selection, listed: Listed, limit: int, **after: Any) -> ir.Table:
    """The newest of what is listed after a position (at, id)."""
    rows = listed.moments(selection)
    if after:
        moment = rows[listed.newest]
        rows = rows.filter((moment < after["at"]) | ((moment == after["at"]) & (rows.id > after["id"])))
    order = [ibis.desc(listed.newest), "id"]
    # All that is known of everything would be far more than of a page.
    return listed.described(selection, rows.order_by(order).limit(limit)).order_by(order)


def page(
    reader: Reader, listed: Listed, asked: Paging, selection: Selection
) -> tuple[list[dict[str, Any]], str | None]:
    """The rows of the page that is asked for, and the cursor of the next, None on the last."""
    position = asked.position()
    after: dict[str, int | str] = {} if position is None else {"at": position.at_ns, "id": position.id}
    rows = reader.answer(first, selection, listed, asked.limit + 1, **after)
    if len(rows) <= asked.limit:
        return rows, None
    last = rows[asked.limit - 1]
    following = Position(selection.from_ns, selection.to_ns, last[listed.newest], last["id"])
    return rows[: asked.limit], following.written()


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
