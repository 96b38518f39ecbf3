"""Lengths of time as people write them: `30s`, `15min`, `12h`, `30d`, `2w`, `1mo`."""

import re
from typing import Annotated, Any, Self

from pydantic import GetCoreSchemaHandler, PlainValidator, WithJsonSchema

from otel_vsm.text import quoted

_SECOND_NS = 10**9
_UNIT_S = {"s": 1, "min": 60, "h": 3600, "d": 86400, "w": 7 * 86400, "mo": 30 * 86400}
_LENGTH = re.compile(rf"([1-9][0-9]{{0,5}})({'|'.join(_UNIT_S)})")
_MINUTES_OR_MONTHS = re.compile(r"([0-9]{1,6}) ?[mM]")
_LONGEST_S = 36_500 * 86400
"""A century: nanoseconds since the epoch leave no room for much more."""


SCHEMA = {
    "type": "string",
    "format": "length",
    "pattern": f"^{_LENGTH.pattern}$",
    "examples": ["30s", "15min", "12h", "30d", "2w", "1mo"],
}


class Length(str):
    """A length of time that stays as it was written: `30d` is also the name of a window.

    Raises ValueError with a sentence that says what is allowed.
    """

    __slots__ = ()

    def __new__(cls, text: Any) -> Self:
        if isinstance(text, str) and (unclear := _MINUTES_OR_MONTHS.fullmatch(text)):
            number = unclear[1]
            raise ValueError(
                f"{quoted(text)} may mean minutes or months; write {number}min, or {number}mo for months of"
                " 30 days"
            )
        if not (isinstance(text, str) and _LENGTH.fullmatch(text)):
            raise ValueError(
                f"{quoted(text)} is no length of time; write a number of seconds, minutes, hours, days,"
                " weeks or months of 30 days, such as 30s, 15min, 12h, 30d, 2w or 1mo"
            )
        length = super().__new__(cls, text)
        if length.seconds > _LONGEST_S:
            raise ValueError(f"{quoted(text)} is longer than a hundred years")
        return length

    @property
    def seconds(self) -> int:
        parts = _LENGTH.fullmatch(self)
        assert parts is not None
        return int(parts[1]) * _UNIT_S[parts[2]]

    @property
    def ns(self) -> int:
        return self.seconds * _SECOND_NS

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: GetCoreSchemaHandler) -> Any:
        return handler.generate_schema(Annotated[Any, PlainValidator(cls), WithJsonSchema(SCHEMA)])
