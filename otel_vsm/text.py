"""Text on its way out: what OTLP can carry, what fits a line of a terminal, and warnings on stderr."""

import re
import sys
from contextlib import suppress

_MAX_LINE = 200

# Compiled where they are used: most texts have no part of them.
_URL = r"(?P<scheme>[A-Za-z][A-Za-z0-9+.-]*://)(?P<rest>\S+)"
_AUTHORITY = r"(?:\[[^]]*]|[^:@]*)(?::\d*)?"
_SECRET_PARAMETER = (
    r"(?i)(?P<name>[?&#;][^=&#;\s]*(?:token|secret|passw|pwd|key|sig|auth|cred)[^=&#;\s]*=)[^&#;\s]*"
)
# user:password@host:path, git's short form; name:tag@sha256:digest is an image.
_SCP = r"(?<![^\s=])[^\s/:@=]+:[^\s@]+@(?!sha\d+:)(?P<address>[A-Za-z0-9.-]+:)"


def sendable(text: str) -> str:
    """With a question mark for what is no UTF-8, since OTLP can only carry what is.

    Arguments and variables are bytes on POSIX, and need not be text at all.
    """
    return text if text.isascii() else text.encode(errors="replace").decode()


def without_secrets(text: str) -> str:
    """Without what gives access: user and password of a URL, and parameters that are called like a secret."""
    if "@" in text or "://" in text:
        text = re.sub(_URL, lambda url: url["scheme"] + _without_user(url["rest"]), text)
        text = re.sub(_SECRET_PARAMETER, r"\g<name>REDACTED", text)
        text = re.sub(_SCP, r"\g<address>", text)
    return text


def _without_user(rest: str) -> str:
    """What follows the scheme of a URL, without user and password, whether they are escaped or not."""
    authority = re.split("[/?#]", rest, maxsplit=1)[0]
    has_user = "@" in authority or not re.fullmatch(_AUTHORITY, authority)
    return rest.rpartition("@")[2] if has_user else rest


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
    say(f"warning: {_printable(without_secrets(message))}")


def say(message: str) -> None:
    """A line of ours on stderr; nothing where there is no stderr to write to."""
    if sys.stderr is None:  # print() would take stdout, which is the command's
        return
    with suppress(OSError, ValueError):
        print(f"otel-vsm: {message}", file=sys.stderr, flush=True)


def _printable(text: str) -> str:
    return "".join(character if character.isprintable() else " " for character in text)
