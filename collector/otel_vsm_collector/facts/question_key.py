"""What tells a question from others, the same in every process."""

import enum
import functools
import re
from collections.abc import Iterator, Mapping
from dataclasses import fields, is_dataclass
from hashlib import sha256
from types import FunctionType, MethodType
from typing import Any


def question_key(*parts: Any) -> str | None:
    """A digest of a question and of what shapes it; None where there is something in it that has no text of
    its own. As long as the code is the same, questions of one key are the same."""
    try:
        return sha256("\0".join(_texts(parts)).encode()).hexdigest()
    except LookupError:
        return None


def _texts(part: Any) -> Iterator[str]:
    match part:
        case None | bool() | int() | float() | str():
            yield repr(part)
        case enum.Enum():
            yield f"{type(part).__qualname__}.{part.name}"
        case type():
            yield f"{part.__module__}.{part.__qualname__}"
        case re.Pattern():
            yield repr(part.pattern)
        case tuple() | list():
            yield f"({len(part)}"
            for one in part:
                yield from _texts(one)
        case Mapping():
            yield f"{{{len(part)}"
            for key, value in part.items():
                yield from _texts((key, value))
        case MethodType():
            yield from _texts((part.__func__, part.__self__))
        case functools.partial():
            yield from _texts((part.func, part.args, part.keywords))
        case FunctionType():
            # Functions that one line makes differ in what they have at hand.
            yield f"{part.__module__}:{part.__qualname__}:{part.__code__.co_firstlineno}"
            yield from _texts(tuple(cell.cell_contents for cell in part.__closure__ or ()))
            yield from _texts((part.__defaults__, part.__kwdefaults__))
        case _ if is_dataclass(part):
            yield type(part).__qualname__
            for field in fields(part):
                yield from _texts(getattr(part, field.name))
        case _:
            raise LookupError(type(part).__qualname__)
