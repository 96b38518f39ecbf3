"""Lengths of time as people write them: `30s`, `15m`, `12h`, `30d`, `2w`."""

import re
from typing import Annotated, Any, Self

from pydantic import GetCoreSchemaHandler, PlainValidator, WithJsonSchema

_SECOND_NS = 10**9
_UNIT_S = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 7 * 86400}
_LENGTH = re.compile(r"[1-9][0-9]{0,5}[smhdw]")
_LONGEST_S = 36_500 * 86400
"""A century: nanoseconds since the epoch leave no room for much more."""


SCHEMA = {
    "type": "string",
    "format": "length",
    "pattern": f"^{_LENGTH.pattern}$",
    "examples": ["30s", "15m", "12h", "30d", "2w"],
}


class Length(str):
    """A length of time that stays as it was written: `30d` is also the name of a window.

    Raises ValueError with a sentence that says what is allowed.
    """

    __slots__ = ()

    def __new__(cls, text: Any) -> Self:
        if not (isinstance(text, str) and _LENGTH.fullmatch(text)):
            raise ValueError(
                f"{text!r} is no length of time; write a number of seconds, minutes, hours, days or"
                " weeks, such as 30s, 15m, 12h, 30d or 2w"
            )
        length = super().__new__(cls, text)
        if length.seconds > _LONGEST_S:
            raise ValueError(f"{text!r} is longer than a hundred years")
        return length

    @property
    def seconds(self) -> int:
        return int(self[:-1]) * _UNIT_S[self[-1]]

    @property
    def ns(self) -> int:
        return self.seconds * _SECOND_NS

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: GetCoreSchemaHandler) -> Any:
        return handler.generate_schema(Annotated[Any, PlainValidator(cls), WithJsonSchema(SCHEMA)])
