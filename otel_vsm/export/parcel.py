"""Records together with what was sent from where: as they are handed on, and as they lie in the spool."""

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

from otel_vsm.record import Record
from otel_vsm.semconv import SERVICE_NAME
from otel_vsm.text import without_secrets

DEFAULT_SERVICE_NAME = "otel-vsm"


class DamagedParcel(ValueError):
    """The text is no parcel that this version can read."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Parcel:
    """Records that were made under one resource.

    The resource goes with them because another process may send them: one of another job, whose
    `OTEL_RESOURCE_ATTRIBUTES` name another team.
    """

    resource: Mapping[str, str]
    records: tuple[Record, ...]

    def to_text(self) -> str:
        """One JSON value a line, ASCII only: the resource, then each record."""
        lines: list[dict[str, Any]] = [dict(self.resource)]
        lines += [{**record.to_json(), "attributes": dict(record.attributes)} for record in self.records]
        return "".join(f"{json.dumps(line, separators=(',', ':'))}\n" for line in lines)

    @classmethod
    def from_text(cls, text: str) -> Self:
        """The parcel that `to_text` gave; DamagedParcel where it is none."""
        try:
            resource, *records = map(json.loads, text.splitlines())
            return cls(resource=dict(resource), records=tuple(map(Record.from_json, records)))
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
            raise DamagedParcel(str(error)) from error


def current_resource(env: Mapping[str, str] = os.environ) -> dict[str, str]:
    """The resource that the environment names, by OpenTelemetry's rules.

    `OTEL_RESOURCE_ATTRIBUTES` holds `key=value` pairs, separated by commas and percent-encoded; one that is
    no pair discards them all. `OTEL_SERVICE_NAME` wins over a `service.name` in there.
    """
    attributes = _pairs(env.get("OTEL_RESOURCE_ATTRIBUTES", "")) or {}
    name = env.get("OTEL_SERVICE_NAME") or attributes.get(SERVICE_NAME) or DEFAULT_SERVICE_NAME
    return {**attributes, SERVICE_NAME: name}


def resource_problem(env: Mapping[str, str] = os.environ) -> str | None:
    """What is wrong with `OTEL_RESOURCE_ATTRIBUTES`, if anything; never its values."""
    if _pairs(env.get("OTEL_RESOURCE_ATTRIBUTES", "")) is None:
        return "OTEL_RESOURCE_ATTRIBUTES is ignored: it has to read key=value,key=value, percent-encoded"
    return None


def _pairs(text: str) -> dict[str, str] | None:
    from urllib.parse import unquote

    attributes = {}
    for pair in filter(None, map(str.strip, text.split(","))):
        key, equals, value = pair.partition("=")
        if not equals or not key.strip():
            return None
        attributes[unquote(key.strip())] = without_secrets(unquote(value.strip()))
    return attributes
