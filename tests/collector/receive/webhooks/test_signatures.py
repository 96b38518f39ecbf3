"""Who knows the secret, and who does not."""

import base64
import hmac
from hashlib import sha256

import pytest

from otel_vsm_collector.receive.webhooks.http import SOURCES, is_signed
from otel_vsm_collector.receive.webhooks.signatures import standard

BODY = b'{"a": 1}'
KEY = base64.b64encode(b"k" * 32).decode()


def test_githubs_own_example() -> None:
    # From its documentation of how to validate deliveries.
    signature = "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17"
    headers = {"x-hub-signature-256": signature}
    assert SOURCES["github"].check(headers, b"Hello, World!", "It's a Secret to Everybody")
    assert not SOURCES["github"].check(headers, b"Hello, World!", "It's a secret to everybody")


def test_pagerduty_signs_with_several_keys_while_they_change() -> None:
    ours = "v1=" + hmac.new(b"new", BODY, sha256).hexdigest()
    headers = {"x-pagerduty-signature": f"v1={'0' * 64}, {ours}"}
    assert SOURCES["pagerduty"].check(headers, BODY, "new")
    assert not SOURCES["pagerduty"].check(headers, BODY, "old")


def of_standard(body: bytes, **more: str) -> dict[str, str]:
    headers = {"webhook-id": "msg-1", "webhook-timestamp": "1772452800"}
    signed = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
    digest = base64.b64encode(hmac.new(b"k" * 32, signed, sha256).digest()).decode()
    return {**headers, "webhook-signature": f"v1,AAAA v1,{digest}", **more}


def test_gitlabs_signing_token() -> None:
    assert standard(of_standard(BODY), BODY, f"whsec_{KEY}")
    assert not standard(of_standard(BODY), BODY + b" ", f"whsec_{KEY}")
    assert not standard(of_standard(BODY, **{"webhook-timestamp": "1772452801"}), BODY, f"whsec_{KEY}")
    assert not standard({}, BODY, f"whsec_{KEY}")
    assert not standard(of_standard(BODY), BODY, "no base64")


@pytest.mark.parametrize("source", ["opsgenie", "grafana", "alertmanager"])
def test_a_secret_in_the_header(source: str) -> None:
    check = SOURCES[source].check
    assert check({"authorization": "Bearer s3cret"}, BODY, "s3cret")
    assert check({"authorization": "bearer s3cret"}, BODY, "s3cret")
    for wrong in ("Bearer", "Bearer ", "Bearer s3cre", "s3cret", "Basic s3cret", "Bearer s3crét"):
        assert not check({"authorization": wrong}, BODY, "s3cret")


@pytest.mark.parametrize("source", SOURCES)
def test_nothing_is_not_the_secret(source: str) -> None:
    assert not SOURCES[source].check({}, BODY, "s3cret")


@pytest.mark.parametrize("path", ["/events", "/v1/traces", "/webhooks", "/", "/v1/webhooks/github"])
def test_only_webhooks_go_without_a_token(path: str) -> None:
    assert not is_signed(path)
    assert is_signed("/webhooks/github")
