"""What is wrong with a `vsm.yaml`, as sentences that say where, what, and what is allowed."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple, cast, get_args

from pydantic import BaseModel, ValidationError

from otel_vsm.text import quoted
from otel_vsm_collector.declared.closest import allowed
from otel_vsm_collector.declared.contradictions import ContradictoryError, Location
from otel_vsm_collector.declared.model import Declared

_WORD = re.compile(r"[\w-]+")
_QUOTED = re.compile(r"'([^']*)'")
_KEY = "[key]"
"""What pydantic appends to the location of a key that is itself wrong."""
_KINDS = {
    "string_type": "text; put it in quotes",
    "bool_type": "true or false",
    "int_type": "a whole number",
    "float_type": "a number",
    "tuple_type": "a list, such as [a, b]",
    "dict_type": "a mapping of names to settings",
    "model_type": "a mapping of settings",
}


class Problem(NamedTuple):
    """Something that is wrong, where it stands; a line of None stands for the file itself."""

    line: int | None
    location: Location
    text: str

    def said(self, file: Path) -> str:
        """`vsm.yaml:12: services.shop.repositry: unknown key; allowed are …`."""
        where = f"{file}:{self.line}" if self.line else f"{file}"
        return ": ".join(part for part in (where, dotted(self.location), self.text) if part)


class UnreadableError(ValueError):
    """The file cannot be looked at further."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        super().__init__()
        self.problems = tuple(problems)


def dotted(location: Location) -> str:
    """`teams.shop.services[1]`; a key that is more than a word stands in quotes."""
    parts = (
        f"[{step}]" if isinstance(step, int) else f".{step if _WORD.fullmatch(step) else quoted(step)}"
        for step in location
    )
    return "".join(parts).removeprefix(".")


def problems(data: Mapping[str, Any]) -> Iterator[tuple[Location, str]]:
    """Everything that is wrong with what was read, in no particular order."""
    try:
        Declared.model_validate(data)
    except ValidationError as error:
        errors = error.errors()
        wrong = {str(detail["loc"][0]) for detail in errors if detail["loc"]}
        yield from _of_validation(errors)
        if wrong:
            # Contradictions are looked for once all else is right: among the sections that are.
            if "profiles" in wrong:
                wrong.add("profile")
            yield from problems({key: value for key, value in data.items() if key not in wrong})


def _of_validation(errors: Sequence[Any]) -> Iterator[tuple[Location, str]]:
    for detail in errors:
        location, reason = detail["loc"], detail.get("ctx", {}).get("error")
        if isinstance(reason, ContradictoryError):
            yield from reason.contradictions
        elif not (detail["type"] == "too_short" and _is_wrong_inside(location, errors)):
            yield (location[:-1] if location[-1] == _KEY else location), _sentence(detail)


def _is_wrong_inside(location: Location, errors: Sequence[Any]) -> bool:
    """Whether items of a list are wrong, which are then not counted among those that it has."""
    return any(other["loc"] != location and other["loc"][: len(location)] == location for other in errors)


def _sentence(detail: Mapping[str, Any]) -> str:
    kind, given, context = detail["type"], detail["input"], detail.get("ctx", {})
    if kind == "extra_forbidden":
        *section, key = detail["loc"]
        kind = _kind_of(section)
        return getattr(kind, "DROPPED", {}).get(key) or f"unknown key; {allowed(key, _fields(kind))}"
    if given is None:
        return "is empty; give it a value, or leave the key out"
    if kind in ("literal_error", "enum"):
        return f"{_shown(given)} is not known; {allowed(given, _QUOTED.findall(context['expected']))}"
    if kind == "value_error":
        return str(context["error"])
    if kind in ("too_short", "string_too_short"):
        return "must not be empty"
    if kind in _KINDS:
        return f"must be {_KINDS[kind]}{_not(given)}"
    return str(detail["msg"]).replace("Input should be", "must be") + _not(given)


def _kind_of(section: Iterable[str | int]) -> type[BaseModel]:
    kind: Any = Declared
    for step in section:
        kind = _fields(kind)[str(step)] if _is_model(kind) else get_args(kind)[-1]
    return cast(type[BaseModel], kind)


def _fields(model: type[BaseModel]) -> dict[str, Any]:
    return {field.alias or name: field.annotation for name, field in model.model_fields.items()}


def _is_model(kind: Any) -> bool:
    return isinstance(kind, type) and issubclass(kind, BaseModel)


def _shown(given: Any) -> str:
    if isinstance(given, bool):
        return str(given).lower()
    if isinstance(given, str | int | float):
        return quoted(given)
    return "a list" if isinstance(given, list) else "a mapping"


def _not(given: Any) -> str:
    return f", not {_shown(given)}"
