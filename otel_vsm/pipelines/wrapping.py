"""What is put before a command, and what only the user knows of it."""

import shlex
from collections.abc import Callable
from typing import NamedTuple

from otel_vsm.pipelines.kinds import DEPLOY, Kind


class Answers(NamedTuple):
    """What only the user knows. None: not known."""

    service: str | None
    environment: str | None
    ask: Callable[[str], str | None]
    """Asks for what is not known, with a question; None where nobody answers."""

    def wrapper(self, kind: Kind, environment: str | None) -> str | None:
        """The words before the command's; None where a deployment's service or environment is not known."""
        if kind is not DEPLOY:
            type = f" --type {kind.type}" if kind.type else ""
            return f"otel-vsm stage {kind.stage}{type} -- "
        service = self.service or self.ask("Which service is deployed")
        environment = self.environment or environment or self.ask("To which environment is it deployed")
        if not service or not environment:
            return None
        return (
            f"otel-vsm deploy --service {shlex.quote(service)} --environment {shlex.quote(environment)} -- "
        )


UNKNOWN = "it deploys, and nobody says what and where to: --service and --environment do"
MIXED = "it does several kinds of work: make a step of each"
