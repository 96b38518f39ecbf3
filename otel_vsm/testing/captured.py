"""What the commands would export, in memory."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from otel_vsm.export import intercepted
from otel_vsm.export.parcel import Parcel, current_resource
from otel_vsm.record import Record

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import ReadableSpan


@dataclass(slots=True)
class Captured:
    """Records in the order in which they were exported."""

    records: list[Record] = field(default_factory=list)

    def get_finished_spans(self) -> "tuple[ReadableSpan, ...]":
        """The records as the SDK's spans, as its own `InMemorySpanExporter` has them."""
        from otel_vsm.testing.sdk_spans import spans

        return tuple(spans(Parcel(resource=current_resource(), records=tuple(self.records))))

    def clear(self) -> None:
        self.records.clear()


@contextmanager
def capture() -> Iterator[Captured]:
    """Within it, what is exported in this process is captured and goes nowhere; no endpoint is needed."""
    captured = Captured()

    def append(records: Sequence[Record]) -> None:
        captured.records += records

    with intercepted(append):
        yield captured
