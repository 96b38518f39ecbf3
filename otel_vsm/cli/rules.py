"""`rules`: what is declared in a `vsm.yaml`, as alerts of Prometheus."""

from pathlib import Path

import click

from otel_vsm.cli.collector import extra_needed


@click.command
@click.option(
    "--config",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="A vsm.yaml with limits and objectives; otherwise those by default.",
)
@click.option(
    "--runbooks",
    metavar="URL",
    default="docs/runbooks.md",
    show_default=True,
    help="Where the page with the runbooks is to be read; alerts link to its sections.",
)
@click.pass_context
def rules(ctx: click.Context, *, config: Path | None, runbooks: str) -> None:
    """Write Prometheus' alerts for limits and objectives.

    They are about the collector's metrics: figures over their limits, deployments that failed, approvals and
    changes that wait for too long, objectives that are missed too fast, and a collector that is behind. Each
    has the label severity, page or ticket. What is wrong with FILE is told line by line, with exit code 2.

    \b
    Example:
        otel-vsm rules --config vsm.yaml > /etc/prometheus/otel-vsm.rules.yaml
    """
    with extra_needed():
        from otel_vsm_collector.alerts.rules import rules as rules_of
        from otel_vsm_collector.declared.load import WrongError, load
        from otel_vsm_collector.declared.model import Declared
    try:
        declared = Declared() if config is None else load(config)
        written = rules_of(declared, runbooks)
    except WrongError as error:
        click.echo(error, err=True)
        ctx.exit(2)
    except ValueError as error:
        click.echo(f"{config}: {error}", err=True)
        ctx.exit(2)
    click.echo(written, nl=False)
