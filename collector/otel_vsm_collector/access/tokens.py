"""Bearer tokens: a file that names them, each by its hash, with what it may do and speak for.

A token is made of chance and long, so that its SHA-256 can be kept in its place.
"""

import hmac
from collections.abc import Callable, Mapping
from hashlib import sha256
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from otel_vsm.identity import normalise_repository
from otel_vsm_collector.declared.document import read_document
from otel_vsm_collector.declared.patterns import matches
from otel_vsm_collector.declared.problems import Problem, UnreadableError
from otel_vsm_collector.stores.folder import UnusableError

Scope = Literal["ingest", "read"]
_Names = Annotated[tuple[str, ...], Field(min_length=1)]


class Token(BaseModel):
    """One of them. Names may be patterns with * and ?; what is left out is not restricted."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    sha256: str = Field(pattern="^[0-9a-fA-F]{64}$")
    scopes: Annotated[tuple[Scope, ...], Field(min_length=1)]
    repositories: _Names | None = None
    services: _Names | None = None
    environments: _Names | None = None

    @property
    def is_bound(self) -> bool:
        return any(names is not None for names in (self.repositories, self.services, self.environments))

    def may_name(self, what: Literal["repositories", "services", "environments"], name: str) -> bool:
        """Whether it may speak for a repository, service or environment of this name."""
        names: tuple[str, ...] | None = getattr(self, what)
        if names is not None and what == "repositories":
            names = tuple(normalise_repository(one) or one for one in names)
        return names is None or matches(name, names)


class _File(BaseModel):
    model_config = ConfigDict(extra="forbid")

    tokens: Annotated[dict[str, Token], Field(min_length=1)]


class DeniedError(Exception):
    """Says what is missing, and nothing of what was given."""


class UnknownError(DeniedError):
    """No token, or none of ours."""


class ForbiddenError(DeniedError):
    """A token of ours that may not do this."""


class Tokens:
    """Those of a file; all may do everything where there is none. Raises UnusableError where it is wrong."""

    def __init__(self, path: Path | None) -> None:
        self._path = path
        self._tokens = None if path is None else _read(path)

    @property
    def needed(self) -> bool:
        return self._tokens is not None

    def read_again(self, say: Callable[[str], None]) -> None:
        """Takes the file as it is now; where something is wrong with it, all stays as it was."""
        if self._path is None:
            return
        try:
            self._tokens = _read(self._path)
        except UnusableError as error:
            say(f"{error}; the tokens that it had before go on to hold")
        else:
            say(f"{self._path} was read again")

    def admit(self, authorization: str | None, scope: Scope) -> Token | None:
        """The token in an Authorization header, None where none is needed. Raises DeniedError."""
        if self._tokens is None:
            return None
        kind, _, secret = (authorization or "").partition(" ")
        if kind.lower() != "bearer" or not secret.strip():
            raise UnknownError("a token is needed: send the header Authorization: Bearer TOKEN")
        digest = sha256(secret.strip().encode("latin-1", "replace")).hexdigest()
        # Every one is compared, whole: how long it takes tells nothing of which one was nearly right.
        known = [one for one in self._tokens.values() if hmac.compare_digest(one.sha256.lower(), digest)]
        if not known:
            raise UnknownError("the token is not known")
        if scope not in known[0].scopes:
            raise ForbiddenError(f"the token may not do this; it needs the scope {scope}")
        return known[0]


def _read(path: Path) -> Mapping[str, Token]:
    try:
        document = read_document(path)
        if document.repeated:
            raise UnreadableError(document.repeated)
        return _File.model_validate(document.data).tokens
    except UnreadableError as error:
        raise UnusableError("\n".join(problem.said(path) for problem in error.problems)) from None
    except ValidationError as error:
        problems = [(mistake["loc"], mistake["msg"]) for mistake in error.errors()]
        said = [Problem(document.line_of(where), where, what).said(path) for where, what in problems]
        raise UnusableError("\n".join(said)) from None
