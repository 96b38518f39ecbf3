"""A pipeline of GitLab CI/CD with the wrappers in place."""

from typing import Any

from otel_vsm.pipelines.edits import File, Left, get, is_block, items, prefix, sequence, text_of
from otel_vsm.pipelines.kinds import is_simple, kind_of, kinds_in
from otel_vsm.pipelines.wrapping import MIXED, UNKNOWN, Answers

INSTALL = "pip install --quiet otel-vsm"
_NO_JOBS = (
    *("default", "include", "stages", "variables", "workflow", "spec", "image", "services", "cache"),
    *("before_script", "after_script"),
)


def edit(file: File, answers: Answers) -> None:
    """Put the wrappers into a pipeline, and what they need: otel-vsm and the whole history."""
    wrapped = []
    for name, _, job in items(file.root):
        if name not in _NO_JOBS and get(job, "script") is not None and _edit_job(file, name, job, answers):
            wrapped.append(job)
    if not wrapped:
        return
    _install(file, wrapped)
    first = file.root.value[0][0]
    variables = get(file.root, "variables")
    if variables is None:
        file.insert_key(first, "variables:", "  GIT_DEPTH: 0")
    elif get(variables, "GIT_DEPTH") is None:
        if is_block(variables):
            file.insert_key(variables.value[0][0], "GIT_DEPTH: 0")
        else:
            file.insert(variables.start_mark.index + 1, "GIT_DEPTH: 0, ")


def _edit_job(file: File, name: str, job: Any, answers: Answers) -> bool:
    script = get(job, "script")
    lines = sequence(script) or [script]
    known = [(line, kind) for line in lines if (kind := kind_of(text_of(line) or ""))]
    if not known or any("otel-vsm" in str(text_of(line)) for line in lines):
        return False
    image = _image(job) or _image(get(file.root, "default")) or _image(file.root)
    if image and "python" not in image:
        file.left.append(Left(name, f"its image {image} may have no Python: put otel-vsm into it"))
        return False
    wrapped = False
    for line, kind in known:
        command = text_of(line) or ""
        if len(kinds_in(command)) > 1:
            file.left.append(Left(f"{name}: {command.splitlines()[0]}", MIXED))
            continue
        wrapper = answers.wrapper(kind, _environment(job))
        if not wrapper:
            file.left.append(Left(f"{name}: {command}", UNKNOWN))
        elif is_simple(command) and prefix(file, line, wrapper):
            wrapped = True
        else:
            file.left.append(
                Left(f"{name}: {command.splitlines()[0]}", f"put {wrapper.strip()} before its commands")
            )
    return wrapped


def _image(node: Any) -> str | None:
    image = get(node, "image")
    return text_of(image) or text_of(get(image, "name"))


def _environment(job: Any) -> str | None:
    node = get(job, "environment")
    name = text_of(node) or text_of(get(node, "name"))
    return None if name and "$" in name else name


def _install(file: File, jobs: list[Any]) -> None:
    """Where each of the jobs finds it: in its own `before_script`, or in that of all."""
    others = False
    for job in jobs:
        if scripts := sequence(get(job, "before_script")):
            file.insert_item(scripts[0], INSTALL)
        else:
            others = True
    default = get(file.root, "default")
    common = sequence(get(default, "before_script")) or sequence(get(file.root, "before_script"))
    if not others:
        return
    if common:
        file.insert_item(common[0], INSTALL)
    elif default is None:
        file.insert_key(file.root.value[0][0], "default:", "  before_script:", f"    - {INSTALL}")
    else:
        file.insert_key(default.value[0][0], "before_script:", f"  - {INSTALL}")
