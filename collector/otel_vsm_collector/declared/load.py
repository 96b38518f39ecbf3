"""Reads a `vsm.yaml`, all of it or nothing."""

from collections.abc import Callable, Iterable
from pathlib import Path

from otel_vsm_collector.declared.document import read_document
from otel_vsm_collector.declared.model import Declared
from otel_vsm_collector.declared.problems import Problem, UnreadableError, problems


class WrongError(ValueError):
    """What is wrong with a file: a line for each problem, which says where, what and what is allowed."""

    def __init__(self, lines: tuple[str, ...]) -> None:
        super().__init__("\n".join(lines))
        self.lines = lines


def load(path: Path) -> Declared:
    """What the file declares. Raises WrongError with everything that is wrong with it."""
    try:
        document = read_document(path)
    except UnreadableError as error:
        raise _wrong(path, error.problems) from None
    wrong = [
        *document.repeated,
        *(Problem(document.line_of(location), location, text) for location, text in problems(document.data)),
    ]
    if wrong:
        raise _wrong(path, wrong)
    return Declared.model_validate(document.data)


def reload(path: Path, current: Declared, *, say: Callable[[str], None]) -> Declared:
    """What the file declares now; where something is wrong with it, that is said and all stays as it was."""
    try:
        return load(path)
    except WrongError as error:
        for line in error.lines:
            say(line)
        say(f"{path} was not read again: what it declared before goes on to hold")
        return current


def _wrong(path: Path, problems: Iterable[Problem]) -> WrongError:
    ordered = sorted(dict.fromkeys(problems), key=lambda problem: (problem.line or 0, str(problem.location)))
    return WrongError(tuple(problem.said(path) for problem in ordered))
