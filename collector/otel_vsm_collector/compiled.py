"""What was compiled of expressions before, as data.

To compile all that a collector runs takes seconds, and gives the same as long as neither code nor definitions
change. What default definitions need comes with the package where it was built (`make build`); the rest is
put beside the ledger when it is first needed.
"""

import contextlib
import json
import os
import threading
from collections.abc import Callable
from functools import cache
from hashlib import sha256
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, TypeVar

import otel_vsm
from otel_vsm_collector.declared.model import Declared
from otel_vsm_collector.derive.refresh.plan import Plan

PACKAGED = Path(__file__).with_name("compiled")
Read = TypeVar("Read")

_COMPILERS = ("ibis-framework", "sqlglot")
_MOST_QUESTIONS = 1000
"""What is asked by ever other filters is not kept."""


class Compiled:
    """Looks in the package, then in `folder`, and writes there what it had to compile."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def plan(self, declared: Declared) -> Plan:
        """What a refresh does by what is declared, in DuckDB."""
        return self._read("plan", Plan.of_data, lambda: _compile_plan(declared), declared)

    def observed(self) -> list[str]:
        """The queries of the metrics' observer."""
        return self._read("observed", list[str], _compile_observed)

    def questions(self, declared: Declared) -> "Questions":
        """Those to the facts by what is declared, in DuckDB."""
        file = f"questions-{_key(declared)}.jsonl"
        return Questions(PACKAGED / file, self._folder / file)

    def _read(
        self,
        name: str,
        of_data: Callable[[Any], Read],
        compile: Callable[[], Any],
        declared: Declared | None = None,
    ) -> Read:
        file = f"{name}-{_key(declared)}.json"
        for folder in (PACKAGED, self._folder):
            # One that is damaged is as good as none.
            with contextlib.suppress(OSError, ValueError, LookupError, TypeError):
                return of_data(json.loads((folder / file).read_bytes()))
        data = compile()
        # It is needed now, not written: a folder that is full or read-only is somebody else's matter.
        with contextlib.suppress(OSError):
            self._write(self._folder / file, data)
        return of_data(data)

    def _write(self, file: Path, data: Any) -> None:
        _make_room(file)
        unfinished = file.with_name(f".{file.name}.{os.getpid()}")
        with open(unfinished, "w", opener=_private) as written:
            json.dump(data, written)
        unfinished.rename(file)


class Questions:
    """Questions that were compiled before, by their key: the query, and its parameters.

    New ones are added to a file, a line each, so that none waits for others to be written.
    """

    def __init__(self, packaged: Path, own: Path) -> None:
        self._own = own
        self._adding = threading.Lock()
        self._known = {**_lines(packaged), **_lines(own)}

    def __len__(self) -> int:
        return len(self._known)

    def get(self, key: str) -> tuple[str, tuple[str, ...]] | None:
        return self._known.get(key)

    def add(self, key: str, query: str, parameters: tuple[str, ...]) -> None:
        with self._adding, contextlib.suppress(OSError):
            if key in self._known or len(self._known) >= _MOST_QUESTIONS:
                return
            self._known[key] = query, parameters
            _make_room(self._own)
            with open(self._own, "a", opener=_private) as file:
                file.write(json.dumps([key, query, parameters]) + "\n")


def _lines(file: Path) -> dict[str, tuple[str, tuple[str, ...]]]:
    known = {}
    with contextlib.suppress(OSError, UnicodeDecodeError):
        for line in file.read_text().splitlines():
            # The last may have been cut.
            with contextlib.suppress(ValueError, TypeError):
                key, query, parameters = json.loads(line)
                known[str(key)] = str(query), tuple(map(str, parameters))
    return known


def _make_room(file: Path) -> None:
    """Makes the folder of a file, and takes away those of the same kind, which are of other code or
    definitions."""
    file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    for outdated in file.parent.glob(f"{file.name.partition('-')[0]}-*"):
        if outdated != file:
            outdated.unlink()


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)


def _compile_plan(declared: Declared) -> Any:
    from otel_vsm_collector.derive.definitions import Definitions
    from otel_vsm_collector.derive.refresh.steps import refresh_plan

    return refresh_plan(Definitions(declared)).as_data()


def _compile_observed() -> Any:
    from otel_vsm_collector.metrics import grouping

    return grouping.queries()


def _key(declared: Declared | None) -> str:
    """Of all that a compiled query follows from: the code, what compiles it, and what is declared."""
    written = "" if declared is None else declared.model_dump_json()
    return sha256(f"{_code()}\n{written}".encode()).hexdigest()[:32]


@cache
def _code() -> str:
    digest = sha256()
    for package in (Path(otel_vsm.__file__).parent, Path(__file__).parent):
        for source in sorted(package.rglob("*.py")):
            digest.update(source.read_bytes())
    for library in _COMPILERS:
        with contextlib.suppress(PackageNotFoundError):
            digest.update(f"\n{library} {version(library)}".encode())
    return digest.hexdigest()


if __name__ == "__main__":
    default = Compiled(PACKAGED)
    default.plan(Declared())
    default.observed()
