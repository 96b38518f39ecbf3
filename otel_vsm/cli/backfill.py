"""`otel-vsm backfill`: the past, as changes and deployments."""

import sys
from pathlib import Path

import click

from otel_vsm.backfill.deliveries import Deliveries, deliveries
from otel_vsm.backfill.history import HistoryError, read_history, read_name
from otel_vsm.backfill.records import Target, record_count, records
from otel_vsm.cli.options import required_text, text_option
from otel_vsm.cli.progress import progress_bar
from otel_vsm.export import ExportError, configured, destination, export_all
from otel_vsm.export.endpoint import disabled_reason
from otel_vsm.identity import normalise_repository
from otel_vsm.text import warn

ENVIRONMENT = "production"


@click.group()
def backfill() -> None:
    """Turn the past into changes and deployments."""


@backfill.command()
@click.argument("path", type=click.Path(exists=True, file_okay=False, path_type=Path))
@text_option("--service", required=True, help="The service that the repository is deployed as.")
@text_option("--environment", default=ENVIRONMENT, show_default=True, help="Where the tags were deployed.")
@click.option(
    "--deploy-tags",
    "tags",
    type=required_text,
    metavar="GLOB",
    multiple=True,
    help="The tags that were deployed; may be repeated, and !GLOB takes away again. Otherwise all but those "
    "of pre-releases, such as v2.0-rc.1.",
)
@click.option(
    "--path",
    "paths",
    type=required_text,
    metavar="PATHSPEC",
    multiple=True,
    help="Where in PATH the service's sources are, in a repository of several: a path, or another of git's "
    "pathspecs. Only commits that touch it are told of; may be repeated.",
)
@text_option(
    "--repository",
    envvar="OTEL_VSM_REPOSITORY",
    show_envvar=True,
    help="The repository, as a URL or as host/path. Otherwise git's remote says.",
)
@text_option("--team", envvar="OTEL_VSM_TEAM", show_envvar=True, help="The team that did the work.")
@click.option("--dry-run", is_flag=True, help="Say what was found and send nothing.")
def git(
    path: Path,
    service: str,
    environment: str | None,
    tags: tuple[str, ...],
    paths: tuple[str, ...],
    repository: str | None,
    team: str | None,
    dry_run: bool,
) -> None:
    """Tell of the changes and deployments in a git history.

    \b
        otel-vsm backfill git . --service shop --deploy-tags 'v*' --deploy-tags '!v0.*'

    Each tag is a deployment. It carries the commits of its first-parent history that no earlier tag held,
    each of them a change: the pull or merge request that its message names, or the commit itself. A merge
    that names no request, but brings in commits that do, is nobody's work: what it brings in counts instead,
    along the first-parent histories of its other parents. What HEAD holds beyond the last tag is merged and
    waits. The first tag carries its own commit only.

    Running it again changes nothing: what is sent twice counts once.
    """
    if not dry_run and not configured():
        raise click.UsageError(f"Nothing can be sent: {disabled_reason()}. --dry-run says what would be.")
    try:
        history = read_history(path, tags=tags, paths=paths)
        name = normalise_repository(repository) if repository else read_name(path)
    except HistoryError as error:
        raise click.ClickException(str(error)) from error
    if not name:
        raise click.UsageError("The address that --repository gives cannot be read with certainty.")
    if not history.commits:
        raise click.ClickException(f"{path} has no commit yet, so there is nothing to tell of.")
    if history.shallow:
        warn(f"{path} is a shallow clone: what lies before is missing. git fetch --unshallow gets it.")
    if history.pre_releases:
        left_out = f"tags of pre-releases are left out ({history.pre_releases:,})"
        warn(f"{left_out}: with --deploy-tags '*' they are deployments too.")
    if not history.tags:
        fitting = f"fits {' '.join(map(repr, tags))}" if tags else "says what was deployed"
        warn(f"no tag of {path} {fitting}: there are changes and no deployments.")

    delivered = deliveries(history, name)
    if dry_run:
        click.echo(f"{_summary(delivered)} would be sent.")
        return
    total = record_count(delivered)
    target = Target(repository=name, service=service, environment=environment or ENVIRONMENT, team=team)
    try:
        with progress_bar(total) as progress:
            accepted = export_all(records(delivered, target), progress=progress)
    except ExportError as error:
        raise click.ClickException(str(error)) from error
    click.echo(f"{_summary(delivered)} sent to {destination()}.")
    if accepted < total:
        # Which spans were rejected, and why, was said as it happened.
        sys.exit(1)


def _summary(delivered: Deliveries) -> str:
    numbered = sum(change.request is not None for change in delivered.changes.values())
    return (
        f"{len(delivered.changes):,} changes ({numbered:,} known by the number of a request)"
        f" and {len(delivered.deployments):,} deployments"
    )
