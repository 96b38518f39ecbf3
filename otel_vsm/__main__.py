"""Where the program starts: before anything slow is loaded, signals end it as they end any program."""

from otel_vsm import process


def main() -> None:
    """The command line; what it is called with is in `sys.argv`."""
    process.end_by_signals()
    from otel_vsm.cli import main as command_line

    command_line()


if __name__ == "__main__":
    main()
