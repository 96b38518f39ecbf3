"""`otel-vsm collector`: the service, where its dependencies are installed."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click

INSTALL = "pip install 'otel-vsm[collector]'"


def address(value: str) -> tuple[str, int]:
    """HOST:PORT; an IPv6 address stands in brackets."""
    host, _, port = value.strip().rpartition(":")
    bare = host.removeprefix("[").removesuffix("]")
    is_host = bool(bare) and (":" not in bare or host == f"[{bare}]")
    if is_host and port.isascii() and port.isdecimal() and int(port) <= 65535:
        return bare, int(port)
    raise click.BadParameter(
        f"{value!r} is no address: give HOST:PORT, as 127.0.0.1:4317 or [::1]:4317; port 0 picks a free one."
    )


# The modules of the extra's distributions: that one of them is missing is what installing mends.
MODULES_OF_EXTRA = frozenset(
    {
        "apsw",
        "duckdb",
        "fastapi",
        "google",
        "grpc",
        "httptools",
        "ibis",
        "jinja2",
        "numpy",
        "prometheus_client",
        "opentelemetry",
        "ptars",
        "pyarrow",
        "pydantic",
        "sqlglot",
        "starlette",
        "uvicorn",
        "uvloop",
        "yaml",
        "zstandard",
    }
)


@contextmanager
def extra_needed() -> Iterator[None]:
    """Says how to install what an import within finds missing."""
    try:
        yield
    except ModuleNotFoundError as error:
        # The program as one file is without the collector.
        is_left_out = error.name == "otel_vsm_collector"
        if error.name is None or not (is_left_out or error.name.partition(".")[0] in MODULES_OF_EXTRA):
            raise
        raise click.ClickException(
            f"the collector needs {error.name}, which is not installed. Install it with: {INSTALL}"
        ) from error


@click.command
@click.option(
    "--grpc",
    type=address,
    metavar="HOST:PORT",
    default="127.0.0.1:4317",
    show_default=True,
    help="Where to take OTLP/gRPC.",
)
@click.option(
    "--http",
    type=address,
    metavar="HOST:PORT",
    default="127.0.0.1:4318",
    show_default=True,
    help="Where to take OTLP/HTTP.",
)
@click.option(
    "--web",
    type=address,
    metavar="HOST:PORT",
    default="127.0.0.1:8750",
    show_default=True,
    help="Where page, API and /metrics are.",
)
@click.option(
    "--data",
    type=click.Path(file_okay=False, path_type=Path),
    help="The folder that it keeps everything in; otherwise one of the user's.",
)
@click.option("--store", default="duckdb:", show_default=True, help="The ledger, as a URL.")
@click.option(
    "--config",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="A vsm.yaml: what is production, whose services these are, by which definitions to count.",
)
@click.option(
    "--tokens",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Bearer tokens, by their hashes: who may send and read, and what a sender may speak for.",
)
@click.option(
    "--webhooks",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Webhooks of forges and of tools for incidents, each with its secret.",
)
@click.option(
    "--tls-cert",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="The certificate in PEM, for all addresses.",
)
@click.option("--tls-key", type=click.Path(path_type=Path), metavar="FILE", help="Its private key.")
@click.option(
    "--tls-client-ca",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Whose certificates senders have to show.",
)
@click.option(
    "--allowed-host",
    "allowed_hosts",
    metavar="NAME",
    multiple=True,
    help="A name that browsers may call the web address by; may be repeated.",
)
@click.option(
    "--allow-anybody",
    is_flag=True,
    help="Listen beyond this machine without TLS or tokens: something in front keeps strangers out.",
)
@click.option("--check", is_flag=True, help="Say whether FILE can be read, and start nothing.")
@click.pass_context
def collector(
    ctx: click.Context,
    *,
    grpc: tuple[str, int],
    http: tuple[str, int],
    web: tuple[str, int],
    data: Path | None,
    store: str,
    config: Path | None,
    tokens: Path | None,
    webhooks: Path | None,
    tls_cert: Path | None,
    tls_key: Path | None,
    tls_client_ca: Path | None,
    allowed_hosts: tuple[str, ...],
    allow_anybody: bool,
    check: bool,
) -> None:
    """Run the collector.

    It takes spans by OTLP, keeps them, and derives changes, deployments, incidents and figures. It prints the
    addresses that it listens on, and stops on SIGTERM or Ctrl-C without losing what it has acknowledged. What
    is wrong with FILE is told line by line, with exit code 2.

    \b
    Example:
        otel-vsm collector --data /var/lib/otel-vsm
        otel-vsm collector --config vsm.yaml --check
    """
    if check and config is None:
        raise click.UsageError("--check is about a file: give it with --config FILE.", ctx)
    with extra_needed():
        from otel_vsm_collector.process import prepare

        prepare()
        from otel_vsm_collector.declared.load import WrongError, load
        from otel_vsm_collector.declared.model import Declared
    try:
        declared = Declared() if config is None else load(config)
    except WrongError as error:
        click.echo(error, err=True)
        ctx.exit(2)
    if check:
        click.echo("ok")
        ctx.exit()
    with extra_needed():
        from otel_vsm_collector.service import main
        from otel_vsm_collector.settings import Address, Settings
        from otel_vsm_collector.tls import Tls
    if (tls_cert is None) != (tls_key is None) or (tls_client_ca is not None and tls_cert is None):
        raise click.UsageError("--tls-cert and --tls-key belong together; --tls-client-ca needs both.", ctx)
    options = {} if data is None else {"data": data}
    try:
        settings = Settings(
            grpc=Address(*grpc),
            http=Address(*http),
            web=Address(*web),
            store=store,
            config=config,
            declared=declared,
            tokens=tokens,
            webhooks=webhooks,
            tls=Tls(tls_cert, tls_key, tls_client_ca) if tls_cert and tls_key else None,
            allowed_hosts=allowed_hosts,
            allow_anybody=allow_anybody,
            **options,
        )
    except ValueError as error:
        raise click.UsageError(str(error), ctx) from error
    ctx.exit(main(settings))
