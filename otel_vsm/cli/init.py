"""`otel-vsm init`: a repository's pipelines with the wrappers in place."""

import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import click

from otel_vsm.cli.options import text_option

if TYPE_CHECKING:
    from otel_vsm.pipelines.edits import File
    from otel_vsm.pipelines.wrapping import Answers

INSTALL = "pip install 'otel-vsm[init]'"


@click.command
@click.argument("path", type=click.Path(exists=True, file_okay=False, path_type=Path), default=".")
@text_option("--service", help="What the pipelines deploy. Otherwise it is asked for, at a terminal.")
@text_option("--environment", help="Where to. Otherwise the job's environment says, or it is asked for.")
@click.option("--write", is_flag=True, help="Write the files; otherwise the difference is shown.")
def init(*, path: Path, service: str | None, environment: str | None, write: bool) -> None:
    """Show a repository's pipelines with the wrappers in place.

    PATH is the repository. Looked at are the workflows of GitHub Actions in .github/workflows and the
    .gitlab-ci.yml of GitLab: the commands of well-known tools in them become stages and deployments. Comments
    and formatting stay. What cannot be decided is left as it is, and said.

    \b
    Example:
        otel-vsm init
        otel-vsm init --service shop --environment production --write
    """
    from importlib.util import find_spec

    from otel_vsm.text import one_line

    if not find_spec("ruamel"):
        raise click.ClickException(f"this needs a library that reads YAML: {INSTALL}")
    from otel_vsm.pipelines.wrapping import Answers

    known: dict[str, str | None] = {}

    def ask(question: str) -> str | None:
        if not sys.stdin.isatty():
            return None
        if question not in known:
            known[question] = click.prompt(question, err=True, default="", show_default=False) or None
        return known[question]

    files = list(_files(path))
    if not files:
        raise click.ClickException(
            f"{path} has neither workflows in .github/workflows nor a .gitlab-ci.yml; what the wrappers look"
            " like in other systems is in ci_plugins/"
        )
    changed = failed = False
    for file, edit in files:
        name = file.relative_to(path).as_posix()
        try:
            before = file.read_bytes().decode()
            after, left = _edited(before, edit, Answers(service, environment, ask))
        except (OSError, ValueError) as error:
            failed = True
            click.echo(f"otel-vsm: {name}: {one_line(str(error))}", err=True)
            continue
        for place, why in left:
            click.echo(f"otel-vsm: {name}: {one_line(place)}: left as it is: {one_line(why)}", err=True)
        if after == before:
            continue
        changed = True
        if write:
            file.write_bytes(after.encode())
            click.echo(f"wrote {name}")
        else:
            click.echo("".join(_difference(name, before, after)), nl=False)
    if not changed:
        click.echo("otel-vsm: there is nothing to put in place", err=True)
    if failed:
        sys.exit(1)


def _files(path: Path) -> "Iterator[tuple[Path, Callable[[File, Answers], None]]]":
    from otel_vsm.pipelines import github, gitlab

    workflows = path / ".github" / "workflows"
    for file in sorted([*workflows.glob("*.yml"), *workflows.glob("*.yaml")]):
        yield file, github.edit
    if (path / ".gitlab-ci.yml").is_file():
        yield path / ".gitlab-ci.yml", gitlab.edit


def _edited(
    text: str, edit: "Callable[[File, Answers], None]", answers: "Answers"
) -> tuple[str, list[tuple[str, str]]]:
    """The text with the wrappers, and what was left. ValueError where it is no YAML, before or after."""
    from otel_vsm.pipelines.edits import File

    file = File(text)
    edit(file, answers)
    edited = file.edited()
    File(edited)
    return edited, [(where, why) for where, why in file.left]


def _difference(name: str, before: str, after: str) -> Iterator[str]:
    from difflib import unified_diff

    return unified_diff(
        before.splitlines(keepends=True), after.splitlines(keepends=True), f"a/{name}", f"b/{name}"
    )
