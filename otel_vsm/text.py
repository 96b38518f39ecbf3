"""Text from arguments and variables, which on POSIX are bytes and need not be text at all."""


def sendable(text: str) -> str:
    """With a question mark for what is no UTF-8, since OTLP can only carry what is."""
    return text if text.isascii() else text.encode(errors="replace").decode()
