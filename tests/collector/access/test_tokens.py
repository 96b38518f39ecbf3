"""Tokens: what a file of them may say, and whom they let in."""

from hashlib import sha256
from pathlib import Path

import pytest

from otel_vsm_collector.access.tokens import DeniedError, ForbiddenError, Scope, Tokens, UnknownError
from otel_vsm_collector.stores.folder import UnusableError

SECRET = "3f1d0f6c9a"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "tokens.yaml"
    path.write_text(
        f"tokens:\n  ci:\n    sha256: {sha256(SECRET.encode()).hexdigest()}\n    scopes: [ingest]\n"
    )
    return path


@pytest.mark.parametrize("authorization", [f"Bearer {SECRET}", f"bearer  {SECRET} "])
def test_a_token_of_the_file_may_do_what_it_is_for(path: Path, authorization: str) -> None:
    assert Tokens(path).admit(authorization, "ingest") is not None
    assert Tokens(None).admit(None, "read") is None


@pytest.mark.parametrize(
    ("authorization", "scope", "error"),
    [
        (None, "ingest", UnknownError),
        ("", "ingest", UnknownError),
        ("Bearer", "ingest", UnknownError),
        ("Bearer ", "ingest", UnknownError),
        (f"Basic {SECRET}", "ingest", UnknownError),
        (SECRET, "ingest", UnknownError),
        (f"Bearer {SECRET}x", "ingest", UnknownError),
        (f"Bearer {SECRET[:-1]}", "ingest", UnknownError),
        ("Bearer \u0666", "ingest", UnknownError),
        (f"Bearer {SECRET}", "read", ForbiddenError),
    ],
)
def test_c_6_and_11_others_are_denied_and_what_they_gave_is_not_repeated(
    path: Path, authorization: str | None, scope: Scope, error: type[DeniedError]
) -> None:
    with pytest.raises(error) as caught:
        Tokens(path).admit(authorization, scope)
    assert SECRET[:5] not in str(caught.value)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("tokens: {}", "tokens.yaml:1: tokens: "),
        ("tokens:\n  ci: {sha256: abc, scopes: [ingest]}", "tokens.yaml:2: tokens.ci.sha256: "),
        (
            f"tokens:\n  ci:\n    sha256: {'0' * 64}\n    scopes: [root]",
            "tokens.yaml:4: tokens.ci.scopes[0]: ",
        ),
        (f"tokens:\n  ci: {{sha256: {'0' * 64}, scopes: [read], repos: [a]}}", "tokens.ci.repos: "),
        ("a: [", "is no YAML"),
    ],
)
def test_what_is_wrong_with_a_file_is_said_with_its_line(path: Path, text: str, said: str) -> None:
    tokens = Tokens(path)
    path.write_text(text)
    with pytest.raises(UnusableError, match=r".*") as caught:
        Tokens(path)
    assert said in str(caught.value)
    sentences: list[str] = []
    tokens.read_again(sentences.append)
    assert sentences == [f"{caught.value}; the tokens that it had before go on to hold"]
    assert tokens.admit(f"Bearer {SECRET}", "ingest")


def test_a_token_that_is_taken_out_of_the_file_is_none_once_it_is_read_again(path: Path) -> None:
    tokens = Tokens(path)
    path.write_text(path.read_text().replace(sha256(SECRET.encode()).hexdigest(), "f" * 64))
    tokens.read_again(lambda sentence: None)
    with pytest.raises(UnknownError):
        tokens.admit(f"Bearer {SECRET}", "ingest")
