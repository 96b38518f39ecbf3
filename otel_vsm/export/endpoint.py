"""Where telemetry goes: OpenTelemetry's standard variables, as this program reads them.

Only the standard library is needed, and nothing of it that is slow to import.
"""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from otel_vsm import __version__
from otel_vsm.text import one_line

USER_AGENT = f"otel-vsm/{__version__} OTel-OTLP-Exporter-Python/{__version__}"
DEFAULT_TIMEOUT_S = 10.0
UNLIMITED_S = 600.0
"""What a timeout of 0, which is unlimited, comes to: nobody waits longer for one request."""


class Protocol(StrEnum):
    HTTP = "http/protobuf"
    GRPC = "grpc"


DEFAULT_ADDRESSES = {Protocol.HTTP: "http://localhost:4318", Protocol.GRPC: "http://localhost:4317"}


class Compression(StrEnum):
    NONE = "none"
    GZIP = "gzip"
    DEFLATE = "deflate"


class EndpointError(ValueError):
    """The endpoint cannot be used as it is written; the message says how to write it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """Where and how to send."""

    url: str
    """For HTTP the whole URL, for gRPC `host:port`. May hold a password: show `redacted_url`."""
    redacted_url: str
    protocol: Protocol
    timeout_s: float
    compression: Compression
    insecure: bool
    """Without TLS."""
    loopback: bool
    """Whether it is this machine, which no proxy reaches."""
    headers: tuple[tuple[str, str], ...] = field(repr=False)
    """Names, and values that are never shown."""
    certificate: str | None
    """Of whom to trust, the path of a file in PEM format; None: whom the system trusts."""
    client_certificate: str | None
    client_key: str | None
    problems: tuple[str, ...]
    """What is set and ignored, as sentences that say what to do."""


def disabled_reason(env: Mapping[str, str] = os.environ) -> str | None:
    """Why nothing is sent, as a sentence that says how to turn it on; None where it is on."""
    if reason := switched_off_reason(env):
        return reason
    if not _variable(env, "ENDPOINT")[1]:
        return "no endpoint: set OTEL_EXPORTER_OTLP_ENDPOINT, for example to http://localhost:4318"
    return None


def switched_off_reason(env: Mapping[str, str] = os.environ) -> str | None:
    """Why telemetry is off wherever it would go to; None where it is on."""
    if env.get("OTEL_SDK_DISABLED", "").strip().lower() == "true":
        return "OTEL_SDK_DISABLED is true: unset it to send anything"
    if env.get("OTEL_TRACES_EXPORTER", "").strip().lower() == "none":
        return "OTEL_TRACES_EXPORTER is none: unset it to send anything"
    return None


def read_endpoint(env: Mapping[str, str] = os.environ) -> Endpoint:
    """The endpoint that the environment names; EndpointError where it cannot be used as it is written.

    Where it names none, OpenTelemetry's default: what listens on this machine.
    """
    problems: list[str] = []
    protocol = _protocol(env, problems)
    compression = _compression(env, protocol, problems)
    timeout_s = _timeout_s(env, problems)
    certificates = _certificates(env, problems)
    name, address = _variable(env, "ENDPOINT")
    address = address or DEFAULT_ADDRESSES[protocol]
    scheme, host, port, path = _parts(name, address, protocol)
    if protocol is Protocol.HTTP and name == "OTEL_EXPORTER_OTLP_ENDPOINT":
        path = f"{path.removesuffix('/')}/v1/traces"
    authority = host if port is None else f"{host}:{port}"
    insecure = scheme == "http" or (not scheme and _variable(env, "INSECURE")[1].lower() == "true")
    return Endpoint(
        url=_with_path(address, path) if protocol is Protocol.HTTP else authority,
        redacted_url=f"{scheme}://{authority}{path}" if scheme else authority,
        protocol=protocol,
        timeout_s=timeout_s,
        compression=compression,
        insecure=insecure,
        loopback=host in ("localhost", "[::1]")
        or (host.startswith("127.") and not host.strip(".0123456789")),
        headers=_headers(env, problems),
        **certificates,
        problems=tuple(problems),
    )


def _variable(env: Mapping[str, str], suffix: str) -> tuple[str, str]:
    """The variable that says it, and its value; the one for traces wins, an empty one says nothing."""
    general = f"OTEL_EXPORTER_OTLP_{suffix}"
    for name in (f"OTEL_EXPORTER_OTLP_TRACES_{suffix}", general):
        if value := env.get(name, "").strip():
            return name, value
    return general, ""


def _protocol(env: Mapping[str, str], problems: list[str]) -> Protocol:
    name, value = _variable(env, "PROTOCOL")
    try:
        return Protocol(value.lower() or Protocol.HTTP)
    except ValueError:
        problems.append(f"{name}={one_line(value)} is ignored: it can be {' or '.join(Protocol)}")
        return Protocol.HTTP


def _compression(env: Mapping[str, str], protocol: Protocol, problems: list[str]) -> Compression:
    known = [known for known in Compression if protocol is Protocol.HTTP or known != Compression.DEFLATE]
    name, value = _variable(env, "COMPRESSION")
    try:
        return known[known.index(Compression(value.lower() or Compression.NONE))]
    except ValueError:
        problems.append(
            f"{name}={one_line(value)} is ignored: over {protocol} it can be {' or '.join(known)}"
        )
        return Compression.NONE


def _timeout_s(env: Mapping[str, str], problems: list[str]) -> float:
    name, value = _variable(env, "TIMEOUT")
    if not value:
        return DEFAULT_TIMEOUT_S
    try:
        milliseconds = int(value)
    except ValueError:
        milliseconds = -1
    if milliseconds < 0:
        problems.append(f"{name}={one_line(value)} is ignored: it has to be a whole number of milliseconds")
        return DEFAULT_TIMEOUT_S
    return min(milliseconds / 1000 or UNLIMITED_S, UNLIMITED_S)


def _certificates(env: Mapping[str, str], problems: list[str]) -> dict[str, str | None]:
    paths: dict[str, str | None] = {}
    for suffix in ("CERTIFICATE", "CLIENT_KEY", "CLIENT_CERTIFICATE"):
        name, path = _variable(env, suffix)
        paths[suffix.lower()] = path or None
        if path and not os.access(path, os.R_OK):
            problems.append(f"{name}={one_line(path)} cannot be read: it has to name a file in PEM format")
    return paths


def _with_path(address: str, path: str) -> str:
    from urllib.parse import urlsplit

    return urlsplit(address)._replace(path=path, fragment="").geturl()


def _parts(name: str, address: str, protocol: Protocol) -> tuple[str, str, int | None, str]:
    """Scheme, host (an IPv6 one in brackets), port and path."""
    from urllib.parse import urlsplit

    example = DEFAULT_ADDRESSES[protocol]
    bare = protocol is Protocol.GRPC and "://" not in address
    try:
        parts = urlsplit(f"//{address}" if bare else address)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        # Which part of it is wrong may be a password.
        raise EndpointError(f"{name} is no URL: write it like {example}") from None
    if not host or (not bare and parts.scheme not in ("http", "https")):
        raise EndpointError(f"{name} has no http:// or https:// and host: write it like {example}")
    return parts.scheme, f"[{host}]" if ":" in host else host, port, parts.path


def _headers(env: Mapping[str, str], problems: list[str]) -> tuple[tuple[str, str], ...]:
    """`name=value` pairs, separated by commas and percent-encoded; a `;` is a part of a value.

    The values are never shown, and neither is what is no pair: it may be half of a value.
    """
    from urllib.parse import unquote

    name, text = _variable(env, "HEADERS")
    headers = {}
    for pair in filter(None, map(str.strip, text.split(","))):
        key, equals, value = pair.partition("=")
        key, value = unquote(key.strip()), unquote(value.strip())
        if not equals or not key.isascii() or not key.replace("-", "").replace("_", "").isalnum():
            problems.append(f"{name}: a header is ignored that does not read name=value")
        elif not value.isascii() or not value.isprintable():
            problems.append(
                f"{name}: the header {one_line(key)} is ignored, since its value is no plain text"
            )
        else:
            headers[key] = value
    return tuple(headers.items())
