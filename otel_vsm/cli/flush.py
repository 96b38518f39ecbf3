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
    from otel_vsm.export.endpoint import EndpointError, off_because, read_endpoint
    from otel_vsm.export.spool import Spool
    from otel_vsm.saying import count_of_spans

    try:
        spool = Spool.here()
        spooled = sum(entry.spans for entry in spool.entries())
    except OSError as error:
        raise click.ClickException(f"the spool cannot be read: {error}") from error
    if not spooled:
        click.echo("Nothing is spooled.")
        return
    if why := off_because():
        raise click.ClickException(f"{count_of_spans(spooled)} left in {spool.directory}: {why}.")
    try:
        endpoint = read_endpoint()
    except EndpointError as error:
        raise click.ClickException(f"{count_of_spans(spooled)} left in {spool.directory}: {error}") from error

    from otel_vsm.export.drain import Drained, drain
    from otel_vsm.export.transport import Sender

    drained = Drained()
    with Sender(endpoint, timeout_s=endpoint.timeout_s) as sender:
        drain(spool, sender.send, drained)
    left = sum(entry.spans for entry in spool.entries())
    click.echo(f"Sent {count_of_spans(drained.sent)} to {endpoint.shown}; {left:,} left.")
    if drained.refused:
        refused = count_of_spans(drained.refused)
        click.echo(f"Refused and dropped: {refused} ({drained.refusal}).", err=True)
    if left:
        why = drained.left_because or "another process is sending them"
        click.echo(f"Left in {spool.directory}: {why}.", err=True)
    if left or drained.refused:
        sys.exit(1)
