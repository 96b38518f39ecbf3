"""OpenTelemetry's variables, read by the specification's rules."""

import pytest

from harness.factories import RunPython
from otel_vsm.export.endpoint import (
    UNLIMITED_S,
    Compression,
    EndpointError,
    Protocol,
    disabled_reason,
    read_endpoint,
)
from otel_vsm.export.parcel import current_resource, resource_problem

BASE = "OTEL_EXPORTER_OTLP_"


def env(**variables: str) -> dict[str, str]:
    """`TIMEOUT="5"` stands for `OTEL_EXPORTER_OTLP_TIMEOUT=5`."""
    defaulted = {"ENDPOINT": "http://localhost:4318", **variables}
    return {f"{BASE}{name}": value for name, value in defaulted.items()}


@pytest.mark.parametrize(
    ("variables", "why"),
    [
        ({}, "no endpoint"),
        ({f"{BASE}ENDPOINT": ""}, "no endpoint"),
        ({f"{BASE}ENDPOINT": " "}, "no endpoint"),
        ({f"{BASE}METRICS_ENDPOINT": "http://localhost:4318"}, "no endpoint"),
        ({**env(), "OTEL_SDK_DISABLED": "true"}, "OTEL_SDK_DISABLED"),
        ({**env(), "OTEL_SDK_DISABLED": "TRUE"}, "OTEL_SDK_DISABLED"),
        ({**env(), "OTEL_TRACES_EXPORTER": "none"}, "OTEL_TRACES_EXPORTER"),
    ],
)
def test_telemetry_is_off(variables: dict[str, str], why: str) -> None:
    assert why in (disabled_reason(variables) or "")


@pytest.mark.parametrize(
    "variables",
    [
        env(),
        {f"{BASE}TRACES_ENDPOINT": "http://localhost:4318/v1/traces"},
        {**env(), "OTEL_SDK_DISABLED": "1"},
        {**env(), "OTEL_SDK_DISABLED": "false"},
        {**env(), "OTEL_TRACES_EXPORTER": "otlp"},
        {**env(), "OTEL_TRACES_EXPORTER": ""},
    ],
)
def test_telemetry_is_on(variables: dict[str, str]) -> None:
    assert disabled_reason(variables) is None


@pytest.mark.parametrize(
    ("variables", "url"),
    [
        (env(), "http://localhost:4318/v1/traces"),
        (env(ENDPOINT="http://localhost:4318/"), "http://localhost:4318/v1/traces"),
        (env(ENDPOINT="https://otel.example/in"), "https://otel.example/in/v1/traces"),
        (env(TRACES_ENDPOINT="https://otel.example/in"), "https://otel.example/in"),
        (env(TRACES_ENDPOINT=""), "http://localhost:4318/v1/traces"),
        (env(ENDPOINT="http://localhost:4318/in?a=b#c"), "http://localhost:4318/in/v1/traces?a=b"),
        (env(PROTOCOL="grpc"), "localhost:4318"),
        (env(PROTOCOL="grpc", ENDPOINT="https://otel.example/ignored"), "otel.example"),
        (env(PROTOCOL="grpc", ENDPOINT="otel.example:4317"), "otel.example:4317"),
        (env(PROTOCOL="grpc", ENDPOINT="http://[::1]:4317"), "[::1]:4317"),
        (env(PROTOCOL="grpc", ENDPOINT="http://user:secret@otel.example:4317"), "otel.example:4317"),
        ({}, "http://localhost:4318/v1/traces"),
        ({f"{BASE}PROTOCOL": "grpc"}, "localhost:4317"),
    ],
)
def test_the_address(variables: dict[str, str], url: str) -> None:
    assert read_endpoint(variables).url == url


@pytest.mark.parametrize(
    "address",
    ["localhost:4318", "ftp://localhost", "http://", "http:///v1", "http://host:port", "http://[::1"],
)
def test_an_address_that_cannot_be_used(address: str) -> None:
    with pytest.raises(
        EndpointError, match=r"OTEL_EXPORTER_OTLP_ENDPOINT .*: write it like http://localhost:4318"
    ):
        read_endpoint(env(ENDPOINT=address))


def test_no_password_is_shown() -> None:
    endpoint = read_endpoint(env(TRACES_ENDPOINT="https://user:secret@otel.example:4318/in?token=secret"))
    assert endpoint.redacted_url == "https://otel.example:4318/in"


@pytest.mark.parametrize(
    ("variables", "protocol"),
    [
        ({}, Protocol.HTTP),
        ({"PROTOCOL": ""}, Protocol.HTTP),
        ({"PROTOCOL": "gRPC"}, Protocol.GRPC),
        ({"PROTOCOL": "grpc", "TRACES_PROTOCOL": "http/protobuf"}, Protocol.HTTP),
        ({"PROTOCOL": "http/json"}, Protocol.HTTP),
    ],
)
def test_the_protocol(variables: dict[str, str], protocol: Protocol) -> None:
    assert read_endpoint(env(**variables)).protocol is protocol


@pytest.mark.parametrize(
    ("variables", "timeout_s"),
    [
        ({}, 10.0),
        ({"TIMEOUT": "2500"}, 2.5),
        ({"TIMEOUT": "2500", "TRACES_TIMEOUT": "500"}, 0.5),
        ({"TIMEOUT": "0"}, UNLIMITED_S),
        ({"TIMEOUT": "99999999999"}, UNLIMITED_S),
        ({"TIMEOUT": ""}, 10.0),
        ({"TIMEOUT": "-1"}, 10.0),
        ({"TIMEOUT": "5s"}, 10.0),
    ],
)
def test_the_timeout_is_in_milliseconds(variables: dict[str, str], timeout_s: float) -> None:
    assert read_endpoint(env(**variables)).timeout_s == timeout_s


@pytest.mark.parametrize(
    ("variables", "compression"),
    [
        ({}, Compression.NONE),
        ({"COMPRESSION": "none"}, Compression.NONE),
        ({"COMPRESSION": "GZIP"}, Compression.GZIP),
        ({"COMPRESSION": "deflate"}, Compression.DEFLATE),
        ({"COMPRESSION": "deflate", "PROTOCOL": "grpc"}, Compression.NONE),
        ({"COMPRESSION": "zstd"}, Compression.NONE),
    ],
)
def test_the_compression(variables: dict[str, str], compression: Compression) -> None:
    assert read_endpoint(env(**variables)).compression is compression


@pytest.mark.parametrize(
    ("variables", "insecure"),
    [
        ({"ENDPOINT": "http://otel.example:4317"}, True),
        ({"ENDPOINT": "http://otel.example:4317", "INSECURE": "false"}, True),
        ({"ENDPOINT": "https://otel.example:4317", "INSECURE": "true"}, False),
        ({"ENDPOINT": "otel.example:4317"}, False),
        ({"ENDPOINT": "otel.example:4317", "INSECURE": "true"}, True),
        ({"ENDPOINT": "otel.example:4317", "INSECURE": "true", "TRACES_INSECURE": "false"}, False),
    ],
)
def test_the_scheme_decides_on_tls_and_the_variable_where_there_is_none(
    variables: dict[str, str], insecure: bool
) -> None:
    assert read_endpoint(env(PROTOCOL="grpc", **variables)).insecure is insecure


@pytest.mark.parametrize(
    ("host", "loopback"),
    [("localhost", True), ("127.0.0.1", True), ("127.8.8.8", True), ("[::1]", True), ("127.example", False)],
)
def test_this_machine_is_known_as_such(host: str, loopback: bool) -> None:
    assert read_endpoint(env(ENDPOINT=f"http://{host}:4318")).loopback is loopback


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("PROTOCOL", "http/json"),
        ("TIMEOUT", "5s"),
        ("TRACES_COMPRESSION", "zstd"),
        ("CERTIFICATE", "/nowhere/ca.pem"),
    ],
)
def test_what_is_ignored_is_said(name: str, value: str) -> None:
    (problem,) = read_endpoint(env(**{name: value})).problems
    assert problem.startswith(f"{BASE}{name}={value} ")


def test_what_is_ignored_is_quoted_in_a_line() -> None:
    (problem,) = read_endpoint(env(COMPRESSION="x\n" * 10_000)).problems
    assert len(problem) < 350
    assert "\n" not in problem


def test_the_values_of_headers_are_not_shown() -> None:
    endpoint = read_endpoint(env(HEADERS="Authorization=Bearer%20secret, x-tenant=shop"))
    assert endpoint.headers == (("Authorization", "Bearer secret"), ("x-tenant", "shop"))
    assert "secret" not in repr(endpoint)


@pytest.mark.parametrize(
    ("variables", "resource"),
    [
        ({}, {"service.name": "otel-vsm"}),
        (
            {"OTEL_RESOURCE_ATTRIBUTES": "vsm.team=a%20b, k = v"},
            {"vsm.team": "a b", "k": "v", "service.name": "otel-vsm"},
        ),
        ({"OTEL_RESOURCE_ATTRIBUTES": "service.name=shop"}, {"service.name": "shop"}),
        (
            {"OTEL_RESOURCE_ATTRIBUTES": "service.name=shop", "OTEL_SERVICE_NAME": "cart"},
            {"service.name": "cart"},
        ),
        ({"OTEL_RESOURCE_ATTRIBUTES": "a=b,broken"}, {"service.name": "otel-vsm"}),
    ],
)
def test_the_resource(variables: dict[str, str], resource: dict[str, str]) -> None:
    assert current_resource(variables) == resource


def test_a_broken_resource_is_said_without_its_values() -> None:
    assert "secret" not in (resource_problem({"OTEL_RESOURCE_ATTRIBUTES": "a=b,secret"}) or "secret")
    assert resource_problem({"OTEL_RESOURCE_ATTRIBUTES": "a=b"}) is None


def test_reading_costs_nothing_heavy(
    run_python: RunPython,
) -> None:
    done = run_python(
        "import sys; from otel_vsm.export.endpoint import disabled_reason; disabled_reason()\n"
        "print([name for name in ('urllib.parse', 'logging', 'socket', 'json') if name in sys.modules])"
    )
    assert done.stdout == "[]\n"
