"""Whether a request is from who knows the secret. All comparisons take the same time, whatever is sent."""

import base64
import binascii
import hmac
from collections.abc import Callable, Mapping
from hashlib import sha256

Headers = Mapping[str, str]
"""Names in lower case."""
Check = Callable[[Headers, bytes, str], bool]
"""Headers, the body as it was sent, and the secret."""


def signed_in(header: str, prefix: str = "") -> Check:
    """The header holds the HMAC-SHA256 of the body in hexadecimal digits, or several, with commas between
    them; `prefix` stands before each."""

    def check(headers: Headers, body: bytes, secret: str) -> bool:
        expected = prefix + hmac.new(secret.encode(), body, sha256).hexdigest()
        return _is_among(expected, headers.get(header, "").replace(" ", "").split(","))

    return check


def secret_in(header: str, scheme: str = "") -> Check:
    """The header holds the secret itself, of tools that do not sign; after `scheme`: `Bearer SECRET`."""

    def check(headers: Headers, body: bytes, secret: str) -> bool:
        value = headers.get(header, "")
        if scheme:
            named, _, value = value.partition(" ")
            if named.lower() != scheme:
                return False
        return _same(secret, value.strip())

    return check


def standard(headers: Headers, body: bytes, secret: str) -> bool:
    """As https://www.standardwebhooks.com signs: over id, time and body, with a key in base64."""
    try:
        key = base64.b64decode(secret.removeprefix("whsec_"), validate=True)
    except (binascii.Error, ValueError):
        return False
    signed = f"{headers.get('webhook-id', '')}.{headers.get('webhook-timestamp', '')}.".encode() + body
    expected = "v1," + base64.b64encode(hmac.new(key, signed, sha256).digest()).decode()
    return _is_among(expected, headers.get("webhook-signature", "").split())


def either(first: Check, second: Check) -> Check:
    return lambda headers, body, secret: first(headers, body, secret) | second(headers, body, secret)


def _is_among(expected: str, signatures: list[str]) -> bool:
    matching = [_same(expected, signature) for signature in signatures]
    return any(matching)


def _same(expected: str, value: str) -> bool:
    return hmac.compare_digest(expected.encode(), value.encode())
