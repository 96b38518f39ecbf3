"""Sends the history that `make demo` makes up to a collector: `OTEL_EXPORTER_OTLP_ENDPOINT` says to which."""

import sys
from datetime import UTC, datetime

from demo.history import DAYS, generate
from demo.spans import spans_of
from otel_vsm.export import ExportError, export_all


def main() -> int:
    try:
        sent = export_all(spans_of(generate(datetime.now(UTC))).records)
    except ExportError as error:
        print(f"The history could not be sent. {error}", file=sys.stderr)
        return 1
    print(f"{sent} spans of {DAYS} days sent.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
