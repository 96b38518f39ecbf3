"""The file that switches webhooks on."""

from pathlib import Path

import pytest

from otel_vsm_collector.receive.webhooks.declared import Webhooks
from otel_vsm_collector.stores.folder import UnusableError


def written(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "webhooks.yaml"
    path.write_text(text)
    return path


def test_a_secret_may_stand_in_a_file_beside_it(tmp_path: Path) -> None:
    (tmp_path / "github").write_text("s3cret\n")
    webhooks = Webhooks(written(tmp_path, "webhooks: {github: {secret_file: github}}"))
    github = webhooks.get("github")
    assert github is not None
    assert github.secret == "s3cret"
    assert "s3cret" not in repr(github)
    assert webhooks.get("gitlab") is None


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("webhooks: {github: {}}", "secret or secret_file"),
        ("webhooks: {github: {secret: a, secret_file: b}}", "secret or secret_file"),
        ("webhooks: {github: {secret_file: missing}}", "cannot be read"),
        ("webhooks: {github: {secret_file: empty}}", "no secret"),
        ("webhooks: {githup: {secret: a}}", "webhooks.githup"),
        ("hooks: {github: {secret: a}}", "hooks"),
        ("webhooks: 5", "webhooks"),
    ],
)
def test_what_is_wrong_is_said_with_its_line(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "empty").write_text("\n")
    with pytest.raises(UnusableError, match=message) as raised:
        Webhooks(written(tmp_path, text))
    assert str(tmp_path / "webhooks.yaml") in str(raised.value)


def test_a_wrong_file_changes_nothing_when_it_is_read_again(tmp_path: Path) -> None:
    path = written(tmp_path, "webhooks: {github: {secret: old}}")
    webhooks = Webhooks(path)
    said: list[str] = []
    path.write_text("webhooks: {github: {secret: }}")
    webhooks.read_again(said.append)
    first = webhooks.get("github")
    path.write_text("webhooks: {github: {secret: new}}")
    webhooks.read_again(said.append)
    second = webhooks.get("github")
    assert first is not None and second is not None
    assert (first.secret, second.secret) == ("old", "new")
    assert len(said) == 2
