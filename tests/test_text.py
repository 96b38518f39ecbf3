"""What somebody else wrote is quoted in a line, and not at length."""

from otel_vsm.text import one_line, quoted


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
