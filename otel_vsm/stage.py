"""A command of the pipeline, told as a stage of its change."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, NoReturn

from otel_vsm.call import CommonOptions, RunOptions
from otel_vsm.context import Context
from otel_vsm.text import warn
from otel_vsm.wrapper import leg_of, named_artifact, queued_for_s, run_and_export

if TYPE_CHECKING:
    from otel_vsm.emit import Artifact, Origin, Run
    from otel_vsm.record import Record, Value
    from otel_vsm.semconv import StageType


def type_of_stage(stage_type: str | None, name: str) -> "StageType | None":
    """The kind of work that was said, or that the stage is called after."""
    from otel_vsm.semconv import StageType

    return next((member for member in StageType if member.value == (stage_type or name)), None)


def run_stage(
    command: list[str],
    *,
    name: str,
    stage_type: str | None,
    service: str | None,
    leg: str | None,
    queued_ns: int | None,
    artifact: str | None,
    artifact_hash: str | None,
    version: str | None,
    stamp: str | None,
    junit: Sequence[str],
    sarif: Sequence[str],
    common: CommonOptions,
    how: RunOptions,
) -> NoReturn:
    """Run the command as a stage, tell of it, and exit as it did. None: not said."""

    named = (artifact, artifact_hash, version)

    def read_reports(run: "Run") -> "dict[str, Value]":
        if not junit and not sarif:
            return {}
        from otel_vsm.reports import report_attributes

        attributes, problems = report_attributes(junit, sarif, since_ns=run.start_ns)
        for problem in problems:
            warn(problem)
        return attributes

    def to_record(origin: "Origin", run: "Run") -> "Record":
        from dataclasses import replace

        from otel_vsm import emit

        return emit.stage(
            origin,
            replace(run, leg=leg_of(leg, origin.context)),
            name=name,
            type=type_of_stage(stage_type, name),
            service=service,
            queue_s=queued_for_s(queued_ns, run.start_ns, origin.context),
            artifact=named_artifact(*named) if any(named) else _pushed(command),
            reports=read_reports(run),
        )

    def leave_stamp(context: Context) -> None:
        from pathlib import Path

        from otel_vsm.artifact import artifact_of
        from otel_vsm.stamp import Stamp, write_stamp
        from otel_vsm.text import one_line

        built = artifact_of(artifact, artifact_hash, version).artifact
        try:
            content = Stamp(
                change_id=context.change,
                repository=context.repository,
                revision=context.revision,
                version=version,
                artifact_purl=built.purl,
                artifact_hash=built.hash,
            )
            write_stamp(Path(stamp or ""), stamp=content)
        except Exception as error:  # the command succeeded, and so does this
            warn(f"the stamp {one_line(stamp or '')} was not written ({one_line(str(error))})")

    run_and_export(
        command,
        common,
        how,
        name=name,
        type=lambda: type_of_stage(stage_type, name),
        to_record=to_record,
        on_success=leave_stamp if stamp else None,
    )


def _pushed(command: list[str]) -> "Artifact":
    """The image that the command pushes, where it is one that does."""
    from otel_vsm.deploy_commands import pushed

    return named_artifact(pushed(command).image, None, pushed(command).version)
