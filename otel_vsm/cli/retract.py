"""`otel-vsm retract`: takes back what was told by mistake."""

import os
import re
from collections.abc import Callable
from typing import NoReturn

import click

from otel_vsm import emit
from otel_vsm.call import CommonOptions
from otel_vsm.cli.events import (
    APPROVAL,
    CHANGE,
    INCIDENT,
    WORK_ITEM,
    Statement,
    event_argument,
    of_approval,
    of_change,
    of_incident,
    of_work_item,
)
from otel_vsm.cli.options import at_option, common_options, now_ns, text_option
from otel_vsm.context import Context, Subject, TraceParent, trace_parent_of_change
from otel_vsm.identity import SpanId, SpanReference, TraceId
from otel_vsm.text import one_line
from otel_vsm.wrapper import export_and_leave, find_context_safely, origin_of

_AT = at_option("When it happened, as it was told; needed of what can happen again.")


@click.group()
def retract() -> None:
    """Take back what was told by mistake.

    An event is found by the words that it was told with; where a revision was told along, as from a checkout
    of the change, by that too. A stage or a deployment is found by the ids of its span, which
    /api/v1/explain shows. What was taken back counts no more, and not again when it is told again. That it
    was taken back cannot be undone.

    \b
    Example:
        otel-vsm retract change merged --change 12
        otel-vsm retract incident detected --id INC-42 --at 2026-03-01T09:30:00Z
        otel-vsm retract span 2ab248cfa8288917 --trace-id 38e08dea033907f69fbb70c15f216a7d
    """


@retract.command
@event_argument(CHANGE)
@_AT
@common_options(is_statement=True)
def change(*, event: str, at_ns: int | None, common: CommonOptions) -> None:
    """Take back what was told of a change.

    \b
    Example:
        otel-vsm retract change merged --change 12
        otel-vsm retract change merged --change 12 --revision main
    """
    _retract(of_change(CHANGE[event], at_ns, common))


@retract.command
@event_argument(APPROVAL)
@text_option("--gate", required=True, help="The gate that was asked.")
@_AT
@common_options(is_statement=True)
def approval(*, event: str, gate: str, at_ns: int | None, common: CommonOptions) -> None:
    """Take back what was told of an approval gate.

    \b
    Example:
        otel-vsm retract approval granted --gate production --change 12
    """
    _retract(of_approval(APPROVAL[event], gate, at_ns, common))


@retract.command("work-item")
@event_argument(WORK_ITEM)
@text_option("--id", "item", required=True, help="The work item: a ticket's or story's key.")
@_AT
@common_options(work_item=False, is_statement=True)
def work_item(*, event: str, item: str, at_ns: int | None, common: CommonOptions) -> None:
    """Take back what was told of a work item.

    \b
    Example:
        otel-vsm retract work-item started --id SHOP-17
    """
    _retract(of_work_item(WORK_ITEM[event], item, at_ns, common))


@retract.command
@event_argument(INCIDENT)
@text_option("--id", "incident_id", required=True, help="The incident: its key in your tool.")
@_AT
@common_options(is_statement=True)
def incident(*, event: str, incident_id: str, at_ns: int | None, common: CommonOptions) -> None:
    """Take back what was told of an incident.

    \b
    Example:
        otel-vsm retract incident acknowledged --id INC-42
        otel-vsm retract incident detected --id INC-42 --at 2026-03-01T09:30:00Z
    """
    _retract(of_incident(INCIDENT[event], incident_id, at_ns, common), incident_id)


def _hexadecimal(digits: int) -> Callable[[str], str]:
    def identifier(value: str) -> str:
        value = value.strip().lower()
        if not re.fullmatch(f"[0-9a-f]{{{digits}}}", value) or not value.strip("0"):
            raise click.BadParameter(f"{one_line(value)!r} is not an id of {digits} hexadecimal digits.")
        return value

    return identifier


@retract.command
@click.argument("span_id", type=_hexadecimal(16))
@click.option(
    "--trace-id",
    type=_hexadecimal(32),
    metavar="TEXT",
    help="The trace that the span is in. Otherwise the one of the change.",
)
@common_options(is_statement=True)
def span(*, span_id: str, trace_id: str | None, common: CommonOptions) -> None:
    """Take back a stage or a deployment, by its span.

    \b
    Example:
        otel-vsm retract span 2ab248cfa8288917 --change 12
        otel-vsm retract span 2ab248cfa8288917 --trace-id 38e08dea033907f69fbb70c15f216a7d
    """
    context = find_context_safely(common, Subject.INCIDENT if trace_id else Subject.CHANGE)
    if trace_id:
        parent = TraceParent(TraceId(trace_id), None)
    else:
        _require_change(context)
        parent = trace_parent_of_change(context.change, os.environ)
    _export(common, context, parent, SpanReference(parent.trace_id, SpanId(span_id)))


def _retract(statement: Statement, incident_id: str | None = None) -> NoReturn:
    if statement.at_ns is None and statement.event in emit.RECURRING:
        raise click.UsageError(
            f"{statement.event} can happen again: say with --at which one, to the second. /api/v1/changes and"
            " /api/v1/incidents show the times."
        )
    if statement.owner is None:
        _require_change(statement.context)
    told = statement.record()
    reference = SpanReference(TraceId(told.trace_id), SpanId(told.span_id))
    _export(statement.common, statement.context, statement.parent, reference, incident_id)


def _require_change(context: Context) -> None:
    if not context.change:
        raise click.UsageError("no change was found here: name it with --change.")


def _export(
    common: CommonOptions,
    context: Context,
    parent: TraceParent,
    span: SpanReference,
    incident_id: str | None = None,
) -> NoReturn:
    export_and_leave(
        context,
        lambda: emit.retraction(
            origin_of(common, context, parent), span, at_ns=now_ns(), incident=incident_id
        ),
    )
