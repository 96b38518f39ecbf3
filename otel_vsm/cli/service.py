"""`otel-vsm service`: what a service is to know of its delivery."""

import os

import click

from otel_vsm.call import CommonOptions
from otel_vsm.cli.options import artifact_options, common_options, text_option
from otel_vsm.context import Subject
from otel_vsm.wrapper import find_context_safely

RESOURCE_VARIABLE = "OTEL_RESOURCE_ATTRIBUTES"


@click.group
def service() -> None:
    """Say to a service which delivery brought it."""


@service.command
@text_option("--name", help="The service's name, as service.name.")
@artifact_options
@text_option(
    "--deployment-id",
    envvar="OTEL_VSM_DEPLOYMENT_ID",
    show_envvar=True,
    help="The deployment, as otel-vsm deploy tells it to its command.",
)
@common_options(work_item=False)
def env(
    *,
    name: str | None,
    artifact: str | None,
    artifact_hash: str | None,
    version: str | None,
    deployment_id: str | None,
    common: CommonOptions,
) -> None:
    """Print the environment of a service, for the OpenTelemetry SDK of any language.

    A line of OTEL_RESOURCE_ATTRIBUTES: change, repository, revision, version, artifact and deployment, with
    what the variable says already, which wins. Nothing in it has to be quoted, in a shell or in a file.

    \b
    Example:
        export $(otel-vsm service env --version 1.4.0)
        otel-vsm service env > service.env && docker run --env-file service.env shop
        otel-vsm deploy --service shop --environment production -- sh -c 'otel-vsm service env >e && ./up.sh'
    """
    from otel_vsm import semconv
    from otel_vsm.artifact import artifact_of
    from otel_vsm.stamp import Stamp
    from otel_vsm.text import warn

    context = find_context_safely(common, Subject.WORK)
    named = artifact_of(artifact, artifact_hash, version)
    for problem in (*context.missing, *([named.problem] if named.problem else [])):
        warn(problem)
    stamp = Stamp(
        change_id=context.change,
        repository=context.repository,
        revision=context.revision,
        version=version,
        artifact_purl=named.artifact.purl,
        artifact_hash=named.artifact.hash,
        deployment_id=deployment_id,
    )
    own = {**stamp.attributes(), **({semconv.SERVICE_NAME: name} if name else {}), **common.attributes}
    click.echo(f"{RESOURCE_VARIABLE}={_resource_attributes(own, os.environ.get(RESOURCE_VARIABLE, ''))}")


def _resource_attributes(own: dict[str, str], given: str) -> str:
    """In the way that every SDK reads them: https://opentelemetry.io/docs/specs/otel/resource/sdk/"""
    from urllib.parse import quote

    pairs = [pair.strip() for pair in given.split(",") if "=" in pair]
    keys = {pair.partition("=")[0].strip() for pair in pairs}
    told = (
        f"{quote(key, safe='')}={quote(value, safe=':/@')}" for key, value in own.items() if key not in keys
    )
    return ",".join([*told, *pairs])
