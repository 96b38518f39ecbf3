"""What was compiled of expressions before, as data.

To compile all that a collector runs takes seconds, and gives the same as long as neither code nor definitions
change. What default definitions need comes with the package where it was built (`python -m
otel_vsm_collector.compiled`); the rest is put beside the ledger when it is first needed.
"""

import contextlib
import json
import os
from collections.abc import Callable
from functools import cache
from hashlib import sha256
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, TypeVar

import otel_vsm
from otel_vsm_collector.declared.model import Declared
from otel_vsm_collector.derive.refresh.plan import Plan

_PACKAGED = Path(__file__).with_name("compiled")
Read = TypeVar("Read")

_COMPILERS = ("ibis-framework", "sqlglot")


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

    def _read(
        self,
        name: str,
        of_data: Callable[[Any], Read],
        compile: Callable[[], Any],
        declared: Declared | None = None,
    ) -> Read:
        file = f"{name}-{_key(declared)}.json"
        for folder in (_PACKAGED, self._folder):
            # One that is damaged is as good as none.
            with contextlib.suppress(OSError, ValueError, LookupError, TypeError):
                return of_data(json.loads((folder / file).read_bytes()))
        data = compile()
        # It is needed now, not written: a folder that is full or read-only is somebody else's matter.
        with contextlib.suppress(OSError):
            self._write(name, file, data)
        return of_data(data)

    def _write(self, name: str, file: str, data: Any) -> None:
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        unfinished = self._folder / f"{file}.{os.getpid()}"
        unfinished.write_text(json.dumps(data))
        unfinished.chmod(0o600)
        for outdated in self._folder.glob(f"{name}-*.json"):
            outdated.unlink()
        unfinished.rename(self._folder / file)


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
    default = Compiled(_PACKAGED)
    default.plan(Declared())
    default.observed()
