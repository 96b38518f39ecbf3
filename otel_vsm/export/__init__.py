"""How records leave this machine without ever being in the way of the user's command.

A record is written to the spool, then sent from a thread that is waited for no longer than a budget, and
removed from the spool when it was acknowledged. So a dead endpoint costs one short wait and one line, and a
process that dies loses nothing. Importing this imports neither OTLP nor anything of the network.
"""

import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from itertools import islice
from typing import TYPE_CHECKING, NoReturn

from otel_vsm.record import BATCH_RECORDS, Record
from otel_vsm.text import count_of_spans, one_line, warn

if TYPE_CHECKING:
    from pathlib import Path

    from otel_vsm.export.background import BackgroundExport, SpooledParcel
    from otel_vsm.export.parcel import Parcel

DEFAULT_BUDGET_S = 0.7
"""What waiting for the network may add to a command."""

Sink = Callable[[Sequence[Record]], None]

_sink: Sink | None = None
_background: "BackgroundExport | None" = None


class ExportError(Exception):
    """Not everything could be sent; the message says why and what to do."""


def configured() -> bool:
    """Whether the environment asks for telemetry at all."""
    from otel_vsm.export.endpoint import disabled_reason
    from otel_vsm.export.outfile import outfile

    return _sink is not None or outfile() is not None or disabled_reason() is None


def preload() -> None:
    """Load the messages and the exporter that will be needed, while something else is waited for.

    May run in a thread, and should run after the user's command was started: gRPC does not survive a fork.
    Never raises; what is wrong is said when something is to be sent.
    """
    if _sink is not None or not configured():
        return
    with suppress(Exception):
        from otel_vsm.export.outfile import outfile

        if outfile():
            import otel_vsm.export.otlp_json

            return
        import otel_vsm.export.transport  # noqa: F401 - as above
        from otel_vsm.export.endpoint import read_endpoint
        from otel_vsm.export.exporters import new_exporter

        new_exporter(read_endpoint()).close()


def export(records: Sequence[Record], *, budget_s: float = DEFAULT_BUDGET_S) -> bool:
    """Send the records, and what earlier processes could not send, waiting at most `budget_s` seconds.

    What is not acknowledged by then stays in the spool. Only where the exporter is not loaded yet and takes
    long to load can it last longer. Never raises, and says at most one line on stderr. With no endpoint
    configured it does nothing. False where it was to send them and they were not acknowledged.
    """
    global _background
    _background = None
    try:
        if _sink is not None:
            _sink(records)
        elif records and configured():
            return _export(records, budget_s)
        return True
    except (Exception, KeyboardInterrupt) as error:  # whatever it is, the user's command comes first
        warn(f"could not send telemetry ({type(error).__name__}: {one_line(str(error))})")
        return False


def export_all(records: Iterable[Record], *, progress: Callable[[int], None] | None = None) -> int:
    """Send all records, a batch at a time; how many the receiver took.

    Nothing is spooled: this is for records that can be had again. A batch is waited for as long as
    `OTEL_EXPORTER_OTLP_TIMEOUT` says, tries included. `progress` is called with the number of spans of each
    batch that was acknowledged. ExportError at the first batch that was not.
    """
    iterator = iter(records)
    batches = iter(lambda: tuple(islice(iterator, BATCH_RECORDS)), ())
    accepted = 0
    for size, accepted_now in map(_intercept, batches) if _sink is not None else _export_batches(batches):
        accepted += accepted_now
        if progress:
            progress(size)
    return accepted


def leave(code: int) -> NoReturn:
    """End the process with this exit code, even while an export that was given up still hangs.

    The interpreter's own way out waits for threads that the libraries made, which may be for the network.
    """
    if _background is None or not _background.is_alive():
        sys.exit(code)
    from otel_vsm import process

    process.leave(code)


@contextmanager
def intercepted(sink: Sink) -> Iterator[None]:
    """Within it, records go to `sink` and nowhere else, and telemetry counts as configured. For tests."""
    global _sink
    outer, _sink = _sink, sink
    try:
        yield
    finally:
        _sink = outer


def _export(records: Sequence[Record], budget_s: float) -> bool:
    from otel_vsm.export.background import BackgroundExport, SpooledParcel
    from otel_vsm.export.endpoint import EndpointError, read_endpoint
    from otel_vsm.export.outfile import outfile
    from otel_vsm.export.parcel import Parcel, current_resource, resource_problem

    global _background
    parcel = Parcel(resource=current_resource(), records=tuple(records))
    spooled = SpooledParcel.of(parcel)
    warnings = [problem] if (problem := resource_problem()) else []
    if path := outfile():
        return _write(path, parcel, spooled, warnings)
    try:
        endpoint = read_endpoint()
    except EndpointError as error:
        spooled.release()
        warnings.append(f"could not send {count_of_spans(len(records))}: {error}; {spooled.message()}")
    else:
        warnings += endpoint.problems
        timeout_s = min(endpoint.timeout_s, budget_s)
        _background = BackgroundExport(parcel, spooled, endpoint, timeout_s=timeout_s)
        warnings += _background.warnings_within(budget_s=budget_s)
    if warnings:
        warn("; ".join(warnings))
    return _background is not None and _background.is_acknowledged


def _write(path: "Path", parcel: "Parcel", spooled: "SpooledParcel", warnings: list[str]) -> bool:
    """Write the parcel and what the spool holds to the file."""
    from otel_vsm.export.drain import DrainResult, drain
    from otel_vsm.export.exporters import Outcome
    from otel_vsm.export.outfile import append

    result = append(path, [parcel])
    if result.outcome is Outcome.UNAVAILABLE:
        spooled.release()
        warnings.append(f"could not write to {one_line(str(path))} ({result.message}); {spooled.message()}")
    else:
        spooled.remove()
        if result.outcome is Outcome.REFUSED:
            warnings.append(f"{result.message}; dropped")
        if spooled.spool:
            drain(spooled.spool, lambda parcels: append(path, parcels), DrainResult())
    if warnings:
        warn("; ".join(warnings))
    return result.outcome is Outcome.ACCEPTED


def destination() -> str:
    """Where telemetry goes, in words for the user; EndpointError where that cannot be used."""
    from otel_vsm.export.endpoint import read_endpoint
    from otel_vsm.export.outfile import outfile

    return str(outfile() or read_endpoint().redacted_url)


def _intercept(batch: Sequence[Record]) -> tuple[int, int]:
    if _sink is not None:
        _sink(batch)
    return len(batch), len(batch)


def _export_batches(batches: Iterable[Sequence[Record]]) -> Iterator[tuple[int, int]]:
    """The size of each batch, and how many of it the receiver took."""
    from otel_vsm.export.endpoint import EndpointError, disabled_reason, read_endpoint
    from otel_vsm.export.outfile import append, outfile
    from otel_vsm.export.parcel import Parcel, current_resource

    if path := outfile():
        for batch in batches:
            result = append(path, [Parcel(resource=current_resource(), records=tuple(batch))])
            if result.message:
                raise ExportError(f"{path} cannot be written ({result.message})")
            yield len(batch), len(batch)
        return
    if reason := disabled_reason():
        raise ExportError(f"nothing can be sent: {reason}")
    try:
        endpoint = read_endpoint()
    except EndpointError as error:
        raise ExportError(f"nothing can be sent: {error}") from error
    from otel_vsm.export.exporters import Outcome
    from otel_vsm.export.transport import Sender

    resource = current_resource()
    sent = rejected = 0
    reason = ""
    with Sender(endpoint, timeout_s=endpoint.timeout_s) as sender:
        for batch in batches:
            result = sender.send([Parcel(resource=resource, records=tuple(batch))])
            if result.outcome is not Outcome.ACCEPTED:
                raise ExportError(
                    f"{endpoint.redacted_url} took {count_of_spans(sent)} and then no more"
                    f" ({result.message})."
                    " Mend that and run the command again: what is sent twice counts once."
                )
            sent += len(batch)
            rejected += result.rejected
            reason = result.message if result.rejected else reason
            yield len(batch), len(batch) - result.rejected
    if rejected:
        warn(f"{endpoint.redacted_url} rejected {rejected:,} of {count_of_spans(sent)} ({reason})")
