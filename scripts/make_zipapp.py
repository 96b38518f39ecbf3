"""Write dist/otel-vsm.pyz: the program and what it needs, in one file that runs with Python alone.

Everything in it is Python, so that it runs on every system and is never unpacked. It is of the versions that
are installed here, with what this version of Python compiles of it beside the sources, so that it starts as
fast as when it is installed; other versions of Python take the sources, which costs them 0.1 s.
"""

import compileall
import sys
import tempfile
import zipapp
from importlib.metadata import distribution
from pathlib import Path
from py_compile import PycInvalidationMode

ROOT = Path(__file__).parents[1]
DEPENDENCIES = ("click", "opentelemetry-proto", "packageurl-python", "protobuf")
"""Those that `pip install otel-vsm` brings; a test compares them."""
LEFT_OUT = ("otel_vsm/testing/", "google/protobuf/compiler/", "google/protobuf/testdata/", "_pb2_grpc.py")
MAIN = """\
import sys

# Of what this Python has, which may be of another version.
sys.modules["google._upb"] = None

from otel_vsm.__main__ import main

main()
"""


def make(target: Path) -> None:
    """Write the file at `target`; its folder is made where it is missing."""
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        content = Path(folder)
        for source in (ROOT / "otel_vsm").rglob("*.py"):
            _copy(source, content, source.relative_to(ROOT))
        for name in DEPENDENCIES:
            for file in distribution(name).files or ():
                if file.suffix == ".py":
                    _copy(Path(str(file.locate())), content, Path(file))
        (content / "__main__.py").write_text(MAIN)
        # Beside its source and without a look at its time, which is how an archive is imported.
        compileall.compile_dir(
            content, quiet=1, legacy=True, invalidation_mode=PycInvalidationMode.UNCHECKED_HASH
        )
        zipapp.create_archive(content, target, interpreter="/usr/bin/env python3", compressed=True)
    target.chmod(0o755)


def _copy(source: Path, folder: Path, path: Path) -> None:
    if not any(part in path.as_posix() for part in LEFT_OUT):
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(source.read_bytes())


if __name__ == "__main__":
    make(Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT / "dist" / "otel-vsm.pyz")
