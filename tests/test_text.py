"""What somebody else wrote is quoted in a line, and not at length."""

import pytest

from otel_vsm.text import one_line, quoted, without_secrets


def test_a_line_has_two_hundred_characters_at_most() -> None:
    assert one_line("x" * 200) == "x" * 200
    assert one_line("x" * 10**6) == "x" * 200 + "…"
    assert one_line(" " * 10**6 + "x") == "…"


def test_a_line_is_one_line() -> None:
    assert one_line("a\n\x1b[2J  b") == "a [2J b"


def test_a_value_is_quoted_as_it_was_given() -> None:
    assert quoted("1d\n") == "'1d\\n'"
    assert quoted(30) == "30"
    assert quoted("x" * 10**6) == "'" + "x" * 199 + "…"


def test_of_a_long_text_only_what_is_shown_is_quoted() -> None:
    class Text(str):
        def __repr__(self) -> str:
            raise AssertionError("the whole text is written")

    assert quoted(Text("x" * 10**6)) == "'" + "x" * 199 + "…"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("https://ada:secret@host/x", "https://host/x"),
        ("https://ada:se/cret@host/x", "https://host/x"),
        ("https://ada:se@cret@host/x", "https://host/x"),
        ("https://ada:se@c/ret@host/y", "https://host/y"),
        ("https://secret@host/x", "https://host/x"),
        ("ada:se/cret@host:path", "host:path"),
        ("see ada:secret@host:path", "see host:path"),
        ("https://ci/x?a=1&private_token=secret&b=2", "https://ci/x?a=1&private_token=REDACTED&b=2"),
        ("https://ci/x#access_token=secret", "https://ci/x#access_token=REDACTED"),
        ("see https://ada:secret@host/x, then", "see https://host/x, then"),
        *(
            (harmless, harmless)
            for harmless in (
                "https://host:8080/npm/@acme/x",
                "https://[::1]:80/x@y",
                "https://ci/runs?buildId=12#0189-uuid",
                "ghcr.io/acme/shop:1.4@sha256:0123",
                "shop:1.4@sha256:0123",
                "pkg:npm/%40acme/shop@1.4?repository_url=host/x",
                "ada@example.com",
            )
        ),
    ],
)
def test_what_gives_access_is_not_told(text: str, shown: str) -> None:
    assert without_secrets(text) == shown
