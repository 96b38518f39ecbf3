"""A workflow of GitHub Actions with the wrappers in place."""

import re
from typing import Any

from otel_vsm.pipelines.edits import File, Left, get, is_block, items, key_of, prefix, sequence, text_of
from otel_vsm.pipelines.kinds import is_simple, kinds_in
from otel_vsm.pipelines.wrapping import MIXED, UNKNOWN, Answers

INSTALL = ("name: Set up otel-vsm", "run: pipx install otel-vsm")
_SHELL = "bash -e {0}"
"""What a step's script is run with where it does not say."""


def edit(file: File, answers: Answers) -> None:
    """Put the wrappers into a workflow, and what they need: the history, otel-vsm, and where to send to."""
    wrapped = [_edit_job(file, name, job, answers) for name, _, job in items(get(file.root, "jobs"))]
    if any(wrapped):
        _say_where_to(file)


def _edit_job(file: File, name: str, job: Any, answers: Answers) -> bool:
    steps = sequence(get(job, "steps"))
    runs_on = get(job, "runs-on")
    if not steps or not is_block(get(job, "steps")):
        return False
    if "windows" in str(text_of(runs_on)).lower():
        file.left.append(Left(name, "it runs on Windows"))
        return False
    if get(job, "container"):
        if any(kinds_in(text_of(get(step, "run")) or "") for step in steps):
            file.left.append(Left(name, "it runs in a container: put otel-vsm into its image"))
        return False
    is_set_up = any("otel-vsm" in str(text_of(value)) for step in steps for _, _, value in items(step))
    wrapped = [step for step in steps if _edit_step(file, name, job, step, answers)]
    if not wrapped:
        return False
    checkout = next(
        (step for step in steps if str(text_of(get(step, "uses"))).startswith("actions/checkout@")), None
    )
    if checkout:
        _fetch_all(file, checkout)
    if not is_set_up:
        file.insert_item(wrapped[0], *INSTALL)
    if get(get(job, "strategy"), "matrix") and not get(get(job, "env"), "OTEL_VSM_LEG"):
        _add(file, job, "env", "steps", "OTEL_VSM_LEG: ${{ join(matrix.*, ', ') }}")
    return True


def _edit_step(file: File, job_name: str, job: Any, step: Any, answers: Answers) -> bool:
    run, shell = get(step, "run"), text_of(get(step, "shell"))
    script = text_of(run)
    if not script or "otel-vsm" in script or "otel-vsm" in (shell or ""):
        return False
    kinds = kinds_in(script)
    if not kinds:
        return False
    where = f"{job_name}: {script.strip().splitlines()[0]}"
    if len(kinds) > 1:
        file.left.append(Left(where, MIXED))
        return False
    [kind] = kinds
    wrapper = answers.wrapper(kind, _environment(job))
    if not wrapper:
        file.left.append(Left(where, UNKNOWN))
        return False
    if is_simple(script) and prefix(file, run, wrapper):
        return True
    if get(step, "shell") or not is_block(step):
        file.left.append(Left(where, f"put {wrapper.strip()} before its commands"))
        return False
    file.insert_key(key_of(step, "run"), f"shell: {wrapper}{_SHELL}")
    return True


def _environment(job: Any) -> str | None:
    node = get(job, "environment")
    name = text_of(node) or text_of(get(node, "name"))
    return None if name and "${{" in name else name


def _fetch_all(file: File, checkout: Any) -> None:
    given = get(checkout, "with")
    if given is None and is_block(checkout):
        file.insert_below(key_of(checkout, "uses"), get(checkout, "uses"), "with:", "  fetch-depth: 0")
    elif given is None:
        file.left.append(Left("actions/checkout", "give it with: {fetch-depth: 0}"))
    elif not get(given, "fetch-depth"):
        if is_block(given):
            file.insert_key(given.value[0][0], "fetch-depth: 0")
        else:
            file.insert(given.start_mark.index + 1, "fetch-depth: 0, ")
    elif text_of(get(given, "fetch-depth")) != "0":
        file.left.append(
            Left("actions/checkout", "its fetch-depth is not 0, so when a change began may not be known")
        )


def _say_where_to(file: File) -> None:
    if "OTEL_EXPORTER_OTLP_ENDPOINT" not in file.text:
        _add(
            file,
            file.root,
            "env",
            "jobs",
            "OTEL_EXPORTER_OTLP_ENDPOINT: ${{ vars.OTEL_EXPORTER_OTLP_ENDPOINT }}",
            "OTEL_EXPORTER_OTLP_HEADERS: ${{ secrets.OTEL_EXPORTER_OTLP_HEADERS }}",
        )


def _add(file: File, node: Any, name: str, before: str, *lines: str) -> None:
    """Lines of the mapping `name` of a mapping, which is made before another key where there is none."""
    mapping = get(node, name)
    if mapping is None:
        file.insert_key(key_of(node, before), f"{name}:", *(f"  {line}" for line in lines))
    elif not list(items(mapping)):
        file.left.append(Left(name, f"add to it {'; '.join(lines)}"))
    elif is_block(mapping):
        file.insert_key(mapping.value[0][0], *lines)
    else:
        file.insert(mapping.start_mark.index + 1, "".join(f"{line}, " for line in map(_in_flow, lines)))


def _in_flow(line: str) -> str:
    """A line as a flow mapping takes it, where braces and commas have to be in quotes."""
    return re.sub(r": (.*)$", lambda value: f': "{value[1]}"', line)
