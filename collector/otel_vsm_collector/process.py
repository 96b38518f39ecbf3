"""What the process of a collector needs before anything of it is imported."""

import os
import sys
from collections.abc import Sequence
from importlib.abc import MetaPathFinder
from types import ModuleType

_TUNABLES = "GLIBC_TUNABLES"
_MANY_SMALL_BLOCKS = "glibc.malloc.tcache_count=2000"


def prepare() -> None:
    """Starts the interpreter once more where the C library has to be told something first.

    Planning a statement is hundreds of thousands of small allocations, of which glibc keeps 7 of each size at
    hand: with more, a refresh and a question take about a sixth less. It reads that when a process starts.
    Other C libraries don't know the variable.
    """
    if _TUNABLES not in os.environ and sys.platform == "linux":
        os.environ[_TUNABLES] = _MANY_SMALL_BLOCKS
        os.execv(sys.executable, [sys.executable, *sys.orig_argv[1:]])
    sys.meta_path.insert(0, _WithoutPandas())


class _WithoutPandas(MetaPathFinder):
    """Arrow imports pandas where it is installed, which takes 0.2 s and 40 MB, and nothing here uses it."""

    def find_spec(self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None) -> None:
        if fullname == "pandas":
            raise ModuleNotFoundError("the collector does without pandas", name=fullname)
