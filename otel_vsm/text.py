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
    """What somebody else wrote, fit for one line of a terminal: 200 characters of it at most."""
    # What is cut off is never looked at: it may be megabytes.
    line = " ".join(_printable(text[: 4 * _MAX_LINE]).split())
    is_whole = len(text) <= 4 * _MAX_LINE and len(line) <= _MAX_LINE
    return line if is_whole else f"{line[:_MAX_LINE]}…"


def quoted(value: object) -> str:
    """The same of a value as Python writes it: text in quotes."""
    # Cut first: of megabytes, what is in quotes would be megabytes too.
    return one_line(repr(value[: 4 * _MAX_LINE] if isinstance(value, str) else value))


def count_of_spans(count: int) -> str:
    """`1 span`, `1,000 spans`."""
    return f"{count:,} span" if count == 1 else f"{count:,} spans"


def warn(message: str) -> None:
    """One line on stderr; nothing where there is no stderr to write to."""
    if sys.stderr is None:  # print() would take stdout, which is the command's
        return
    with suppress(OSError, ValueError):
        print(f"otel-vsm: warning: {_printable(message)}", file=sys.stderr, flush=True)


def _printable(text: str) -> str:
    return "".join(character if character.isprintable() else " " for character in text)
