"""Where the program starts: before anything slow is loaded, signals end it as they end any program."""

import gc
import sys

from otel_vsm import process


def main() -> None:
    """The command line; what it is called with is in `sys.argv`."""
    process.end_by_signals()
    if sys.argv[1:2] == ["stage"]:
        # What is loaded stays, so looking for garbage in it is in vain, and takes 3 ms of the start.
        gc.disable()
        from otel_vsm import fast

        fast.run(sys.argv[1:])
        gc.enable()
    from otel_vsm.cli import main as command_line

    command_line()


if __name__ == "__main__":
    main()
