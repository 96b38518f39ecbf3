"""Text on its way out: what OTLP can carry, what fits a line of a terminal, and warnings on stderr."""

import sys
from contextlib import suppress

_MAX_LINE = 200


def sendable(text: str) -> str:
    """With a question mark for what is no UTF-8, since OTLP can only carry what is.

    Arguments and variables are bytes on POSIX, and need not be text at all.
    """
    return text if text.isascii() else text.encode(errors="replace").decode()


def one_line(text: str) -> str:
    """What another machine said, fit for one line of a terminal."""
    line = " ".join(_printable(text).split())
    return line if len(line) <= _MAX_LINE else f"{line[:_MAX_LINE]}…"


def count_of_spans(count: int) -> str:
    """`1 span`, `1,000 spans`."""
    return f"{count:,} span" if count == 1 else f"{count:,} spans"


def warn(message: str) -> None:
    """One line on stderr; nothing where there is no stderr to write to."""
    with suppress(OSError, ValueError, AttributeError):
        print(f"otel-vsm: warning: {_printable(message)}", file=sys.stderr, flush=True)


def _printable(text: str) -> str:
    return "".join(character if character.isprintable() else " " for character in text)
