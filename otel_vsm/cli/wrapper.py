"""Commands of ours around one of the user's, for the parser of the command line."""

import click

_COMMAND = "otel_vsm.command"


class WrappingCommand(click.Command):
    """A command whose arguments end at the first `--`; what follows is another's and is not looked at."""

    usage_of_command = "-- COMMAND..."

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        if "--" in args:
            end = args.index("--")
            ctx.meta[_COMMAND] = args[end + 1 :]
            args = args[:end]
        return super().parse_args(ctx, args)

    def collect_usage_pieces(self, ctx: click.Context) -> list[str]:
        return [*super().collect_usage_pieces(ctx), self.usage_of_command]


class MaybeWrappingCommand(WrappingCommand):
    """One that makes sense without a command too."""

    usage_of_command = f"[{WrappingCommand.usage_of_command}]"


def wrapped_command(ctx: click.Context) -> list[str]:
    """The command behind `--`; empty where there is none."""
    command: list[str] = ctx.meta.get(_COMMAND, [])
    return command
