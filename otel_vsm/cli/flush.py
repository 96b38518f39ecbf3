"""`flush`: send what is spooled, or what was written to files."""

import sys
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, TextIO

import click

from otel_vsm.cli.progress import progress_bar

if TYPE_CHECKING:
    from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

    from otel_vsm.export.endpoint import Endpoint


@click.command()
@click.argument(
    "files", metavar="[FILE]...", nargs=-1, type=click.File("r", encoding="utf-8", errors="replace")
)
def flush(files: Sequence[TextIO]) -> None:
    """Send what could not be sent before.

    Every command that sends anything does this by the way, but for no longer than its short wait. As the last
    step of a pipeline whose machine is thrown away, this waits for each request as long as
    OTEL_EXPORTER_OTLP_TIMEOUT says. The exit code is 1 when something is left or was refused.

    FILE is one that --outfile wrote, or another with a request of traces in OTLP/JSON on each line; - is
    standard input. It stays as it is: what is sent twice counts once.

    \b
    Example:
        otel-vsm flush
        otel-vsm flush spans.jsonl
    """
    if files:
        _flush_files(files)
    else:
        _flush_spool()


def _flush_spool() -> None:
    from otel_vsm.export.running import spool_abandoned
    from otel_vsm.export.spool import Spool
    from otel_vsm.text import count_of_spans

    try:
        spool = Spool.of_this_user()
        spool_abandoned(spool)
        spooled = sum(entry.spans for entry in spool.entries())
    except OSError as error:
        raise click.ClickException(f"the spool cannot be read: {error}") from error
    if not spooled:
        click.echo("Nothing is spooled.")
        return
    endpoint = _endpoint(f"{count_of_spans(spooled)} left in {spool.directory}")

    from otel_vsm.export.drain import DrainResult, drain
    from otel_vsm.export.exporters import ExportResult
    from otel_vsm.export.parcel import Parcel
    from otel_vsm.export.transport import Sender

    result = DrainResult()
    with Sender(endpoint, timeout_s=endpoint.timeout_s) as sender, progress_bar(spooled) as progress:

        def send(parcels: Sequence[Parcel]) -> ExportResult:
            sent = sender.send(parcels)
            if progress:
                progress(sum(len(parcel.records) for parcel in parcels))
            return sent

        drain(spool, send, result)
    left = sum(entry.spans for entry in spool.entries())
    click.echo(f"Sent {count_of_spans(result.sent)} to {endpoint.redacted_url}; {left:,} left.")
    if result.refused:
        refused = count_of_spans(result.refused)
        click.echo(f"Refused and dropped: {refused} ({result.refused_reason}).", err=True)
    if left:
        reason = result.left_reason or "another process is sending them"
        click.echo(f"Left in {spool.directory}: {reason}.", err=True)
    if left or result.refused:
        sys.exit(1)


def _flush_files(files: Sequence[TextIO]) -> None:
    endpoint = _endpoint("nothing was sent")

    from otel_vsm.export.exporters import Outcome
    from otel_vsm.export.transport import Sender
    from otel_vsm.text import count_of_spans

    sent = unreadable = refused = 0
    reason = ""
    with Sender(endpoint, timeout_s=endpoint.timeout_s) as sender:
        for request in _requests(files):
            if request is None:
                unreadable += 1
                continue
            result = sender.send_request(request)
            if result.outcome is Outcome.UNAVAILABLE:
                raise click.ClickException(
                    f"{endpoint.redacted_url} took {count_of_spans(sent)} and then no more"
                    f" ({result.message}). Mend that and run the command again:"
                    " what is sent twice counts once."
                )
            rejected = result.rejected if result.outcome is Outcome.ACCEPTED else _size(request)
            sent, refused = sent + _size(request) - rejected, refused + rejected
            reason = result.message if rejected else reason
    click.echo(f"Sent {count_of_spans(sent)} to {endpoint.redacted_url}.")
    if refused:
        click.echo(f"Refused: {count_of_spans(refused)} ({reason}).", err=True)
    if unreadable:
        click.echo(f"Left out: {unreadable:,} lines that are no traces in OTLP/JSON.", err=True)
    if refused or unreadable:
        sys.exit(1)


def _requests(files: Sequence[TextIO]) -> "Iterator[ExportTraceServiceRequest | None]":
    """The requests of all lines, many in one; None for a line that is none."""
    from otel_vsm.export.otlp_json import NoTraces, from_line
    from otel_vsm.record import BATCH_RECORDS

    batch = None
    for file in files:
        for line in file:
            if not line.strip():
                continue
            try:
                request = from_line(line)
            except NoTraces:
                yield None
                continue
            if batch is None:
                batch = request
            else:
                batch.MergeFrom(request)
            if _size(batch) >= BATCH_RECORDS:
                yield batch
                batch = None
    if batch is not None:
        yield batch


def _size(request: "ExportTraceServiceRequest") -> int:
    return sum(len(scope.spans) for resource in request.resource_spans for scope in resource.scope_spans)


def _endpoint(consequence: str) -> "Endpoint":
    """Where to send to; ClickException with the consequence where that is not known."""
    from otel_vsm.export.endpoint import EndpointError, disabled_reason, read_endpoint

    if reason := disabled_reason():
        raise click.ClickException(f"{consequence}: {reason}.")
    try:
        return read_endpoint()
    except EndpointError as error:
        raise click.ClickException(f"{consequence}: {error}") from error
