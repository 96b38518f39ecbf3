"""`flush`: send what is spooled."""

import sys

import click


@click.command()
def flush() -> None:
    """Send what could not be sent before.

    Every command that sends anything does this by the way, but for no longer than its short wait. As the last
    step of a pipeline whose machine is thrown away, this waits for each request as long as
    OTEL_EXPORTER_OTLP_TIMEOUT says. The exit code is 1 when something is left or was refused.

    \b
    Example:
        otel-vsm flush
    """
    from otel_vsm.export.endpoint import EndpointError, disabled_reason, read_endpoint
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
    if reason := disabled_reason():
        raise click.ClickException(f"{count_of_spans(spooled)} left in {spool.directory}: {reason}.")
    try:
        endpoint = read_endpoint()
    except EndpointError as error:
        raise click.ClickException(f"{count_of_spans(spooled)} left in {spool.directory}: {error}") from error

    from otel_vsm.export.drain import DrainResult, drain
    from otel_vsm.export.transport import Sender

    result = DrainResult()
    with Sender(endpoint, timeout_s=endpoint.timeout_s) as sender:
        drain(spool, sender.send, result)
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
