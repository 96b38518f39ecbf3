"""Which webhooks are switched on: a file that names each with its secret."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Annotated, Any, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from otel_vsm_collector.declared.document import read_document
from otel_vsm_collector.declared.problems import Problem, UnreadableError
from otel_vsm_collector.stores.folder import UnusableError

_Text = Annotated[str, Field(min_length=1)]


class Webhook(BaseModel):
    """One of them."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    secret: str = Field(default="", repr=False)
    secret_file: Path | None = None
    environment: _Text = "production"
    """Where incidents are of which it is not said."""
    services: Mapping[str, _Text] = {}
    """What it calls a service → what the service is called."""
    incident_label: _Text = "incident"
    """Which label makes an issue an incident."""

    @model_validator(mode="after")
    def _one_secret(self) -> Self:
        if bool(self.secret) == bool(self.secret_file):
            raise ValueError("give either secret or secret_file")
        return self

    def service(self, name: str) -> str:
        return self.services.get(name, name)


class _Webhooks(BaseModel):
    model_config = ConfigDict(extra="forbid")

    github: Webhook | None = None
    gitlab: Webhook | None = None
    pagerduty: Webhook | None = None
    opsgenie: Webhook | None = None
    grafana: Webhook | None = None
    alertmanager: Webhook | None = None


class _File(BaseModel):
    model_config = ConfigDict(extra="forbid")

    webhooks: _Webhooks


class Webhooks:
    """Those of a file; none is switched on where there is none. Raises UnusableError where it is wrong."""

    def __init__(self, path: Path | None) -> None:
        self._path = path
        self._webhooks = {} if path is None else _read(path)

    def get(self, name: str) -> Webhook | None:
        """None where it is not switched on."""
        return self._webhooks.get(name)

    def read_again(self, say: Callable[[str], None]) -> None:
        """Takes file and secrets as they are now; where something is wrong, all stays as it was."""
        if self._path is None:
            return
        try:
            self._webhooks = _read(self._path)
        except UnusableError as error:
            say(f"{error}; the webhooks that it had before go on to hold")
        else:
            say(f"{self._path} was read again")


def _read(path: Path) -> Mapping[str, Webhook]:
    try:
        document = read_document(path)
        if document.repeated:
            raise UnreadableError(document.repeated)
        declared = _File.model_validate(document.data).webhooks
    except UnreadableError as error:
        raise UnusableError("\n".join(problem.said(path) for problem in error.problems)) from None
    except ValidationError as error:
        problems = [(mistake["loc"], mistake["msg"]) for mistake in error.errors()]
        said = [Problem(document.line_of(where), where, what).said(path) for where, what in problems]
        raise UnusableError("\n".join(said)) from None
    webhooks: dict[str, Any] = {name: webhook for name, webhook in declared if webhook is not None}
    return {name: _with_secret(webhook, path) for name, webhook in webhooks.items()}


def _with_secret(webhook: Webhook, path: Path) -> Webhook:
    if webhook.secret_file is None:
        return webhook
    secret_file = path.parent / webhook.secret_file
    try:
        secret = secret_file.read_text().strip()
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
        raise UnusableError(f"{path}: the secret in {secret_file} cannot be read: {reason}") from None
    if not secret:
        raise UnusableError(f"{path}: there is no secret in {secret_file}")
    return webhook.model_copy(update={"secret": secret})
