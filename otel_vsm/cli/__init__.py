"""The command line. Each command's module is imported when the command is called, since most calls stand
before a build step that waits for them."""

import gc
import importlib
from typing import NamedTuple

# What is loaded stays, so looking for garbage in it is in vain, and takes 3 ms of the start.
gc.disable()
import click  # noqa: E402 -- is most of what is loaded

gc.freeze()
gc.enable()

from otel_vsm import __version__  # noqa: E402 -- as above


class Lazy(NamedTuple):
    target: str
    """Module and name of the command."""
    summary: str
    """Its short help, so that listing the commands imports none of them; a test compares the two."""


COMMANDS = {
    "init": Lazy("otel_vsm.cli.init:init", "Show a repository's pipelines with the wrappers in place."),
    "stage": Lazy("otel_vsm.cli.stage:stage", "Run a command as a stage of the change."),
    "begin": Lazy("otel_vsm.cli.begin_end:begin", "Begin a stage that no single command wraps."),
    "end": Lazy("otel_vsm.cli.begin_end:end", "End a stage that was begun."),
    "deploy": Lazy("otel_vsm.cli.deploy:deploy", "Tell of a deployment, or run a command as one."),
    "change": Lazy("otel_vsm.cli.events:change", "Tell what happened to a change."),
    "approval": Lazy("otel_vsm.cli.events:approval", "Tell what happened at an approval gate."),
    "work-item": Lazy("otel_vsm.cli.events:work_item", "Tell what happened to a work item."),
    "incident": Lazy("otel_vsm.cli.events:incident", "Tell what happened in an incident."),
    "retract": Lazy("otel_vsm.cli.retract:retract", "Take back what was told by mistake."),
    "backfill": Lazy("otel_vsm.cli.backfill:backfill", "Turn the past into changes and deployments."),
    "jobs": Lazy("otel_vsm.cli.jobs:jobs", "Tell of the jobs of this run that did not tell of themselves."),
    "collector": Lazy("otel_vsm.cli.collector:collector", "Run the collector."),
    "rules": Lazy("otel_vsm.cli.rules:rules", "Write Prometheus' alerts for limits and objectives."),
    "service": Lazy("otel_vsm.cli.service:service", "Say to a service which delivery brought it."),
    "report": Lazy("otel_vsm.cli.report:report", "Show the figures of a running collector."),
    "map": Lazy("otel_vsm.cli.stream_map:stream_map", "Draw the value stream map of a running collector."),
    "flush": Lazy("otel_vsm.cli.flush:flush", "Send what could not be sent before."),
    "doctor": Lazy("otel_vsm.cli.doctor:doctor", "Say what is configured and whether it works."),
}


class LazyGroup(click.Group):
    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        module, _, name = COMMANDS[cmd_name].target.partition(":")
        gc.disable()
        command = getattr(importlib.import_module(module), name)
        gc.freeze()
        gc.enable()
        assert isinstance(command, click.Command)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, lazy.summary) for name, lazy in COMMANDS.items()])


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="otel-vsm")
def main() -> None:
    """See where delivery work waits: tell OpenTelemetry of every stage of a change.

    \b
    Put it before the commands of your pipeline:
        export OTEL_EXPORTER_OTLP_ENDPOINT=http://127.0.0.1:4318
        otel-vsm stage build -- make
        otel-vsm deploy --service shop --environment production -- ./deploy.sh

    Where to send to is said by the OTEL_* variables that every OpenTelemetry SDK reads. With no endpoint
    nothing is sent, and the command runs as if otel-vsm were not there.
    """
