"""The commands that tell of an instant: `change`, `approval`, `work-item` and `incident`."""

import os
from collections.abc import Callable, Mapping
from typing import NamedTuple

import click

from otel_vsm import emit, semconv
from otel_vsm.call import CommonOptions
from otel_vsm.cli.options import (
    AnyFunction,
    at_option,
    choice,
    common_options,
    now_ns,
    text_option,
)
from otel_vsm.context import Context, Subject, TraceParent, trace_parent, trace_parent_of_change
from otel_vsm.identity import SpanReference, change_root, incident_root, work_item_root
from otel_vsm.record import Record, Value
from otel_vsm.semconv import EventName, IncidentSeverity
from otel_vsm.wrapper import export_and_leave, find_context_safely, origin_of


def _events(kind: str) -> dict[str, EventName]:
    """The events of one kind by the part after the dot."""
    return {
        event.value.removeprefix(f"{kind}."): event
        for event in EventName
        if event.value.startswith(f"{kind}.")
    }


CHANGE = _events("change")
APPROVAL = _events("approval")
WORK_ITEM = _events("work_item")
INCIDENT = _events("incident")


class Statement(NamedTuple):
    """An event and where it belongs: by the same words the same one, whoever tells it or takes it back."""

    event: EventName
    at_ns: int | None
    """None: now."""
    common: CommonOptions
    context: Context
    parent: TraceParent
    owner: str | None = None
    """The incident or work item that it is an event of; of the change where there is none."""
    subject: str = ""
    attributes: Mapping[str, Value | None] = {}
    links: tuple[SpanReference, ...] = ()

    def record(self) -> Record:
        return emit.event(
            origin_of(self.common, self.context, self.parent, backfilled=self.at_ns is not None),
            self.event,
            at_ns=now_ns() if self.at_ns is None else self.at_ns,
            owner=self.owner,
            subject=self.subject,
            attributes=self.attributes,
            links=self.links,
        )


def event_argument(events: Mapping[str, EventName]) -> Callable[[AnyFunction], AnyFunction]:
    return click.argument("event", type=click.Choice(list(events)))


@click.command
@event_argument(CHANGE)
@at_option("When it happened.")
@common_options(is_statement=True)
def change(*, event: str, at_ns: int | None, common: CommonOptions) -> None:
    """Tell what happened to a change.

    Commits that were rebased onto the trunk name no request. --change and --revision together say which
    commit a request became.

    \b
    Example:
        otel-vsm change merged
        otel-vsm change opened --change 12 --at 2026-03-01T09:30:00Z
        otel-vsm change merged --change 12 --revision main
    """
    _export(of_change(CHANGE[event], at_ns, common))


@click.command
@event_argument(APPROVAL)
@text_option("--gate", required=True, help="The gate that was asked.")
@at_option("When it happened.")
@common_options(is_statement=True)
def approval(*, event: str, gate: str, at_ns: int | None, common: CommonOptions) -> None:
    """Tell what happened at an approval gate.

    \b
    Example:
        otel-vsm approval requested --gate production
        otel-vsm approval granted --gate production --actor human
    """
    _export(of_approval(APPROVAL[event], gate, at_ns, common))


@click.command("work-item")
@event_argument(WORK_ITEM)
@text_option("--id", "item", required=True, help="The work item: a ticket's or story's key.")
@at_option("When it happened.")
@common_options(work_item=False, is_statement=True)
def work_item(*, event: str, item: str, at_ns: int | None, common: CommonOptions) -> None:
    """Tell what happened to a work item.

    It belongs to a change only where that is named, or where the CI runs for a request.

    \b
    Example:
        otel-vsm work-item started --id SHOP-17
        otel-vsm work-item blocked --id SHOP-17 --change 12
    """
    _export(of_work_item(WORK_ITEM[event], item, at_ns, common))


@click.command
@event_argument(INCIDENT)
@text_option("--id", "incident_id", required=True, help="The incident: its key in your tool.")
@text_option("--service", required=True, help="The service that suffers.")
@text_option("--environment", default="production", show_default=True, help="Where it suffers.")
@click.option("--severity", type=choice(IncidentSeverity), help="How bad it is.")
@text_option(
    "--deployment",
    help="The id of the deployment that caused it, where that is known; of several of one id it is that of "
    "the service and environment.",
)
@at_option("When it happened.")
@common_options(is_statement=True)
def incident(
    *,
    event: str,
    incident_id: str,
    service: str,
    environment: str | None,
    severity: str | None,
    deployment: str | None,
    at_ns: int | None,
    common: CommonOptions,
) -> None:
    """Tell what happened in an incident.

    `started` is when users began to suffer. An incident has a trace of its own, and links to a change that is
    named.

    \b
    Example:
        otel-vsm incident detected --id INC-42 --service shop --severity high
        otel-vsm incident resolved --id INC-42 --service shop --at 2026-03-01T11:05:00Z
    """
    statement = of_incident(INCIDENT[event], incident_id, at_ns, common)
    attributes = {
        **statement.attributes,
        semconv.VSM_INCIDENT_SEVERITY: severity,
        semconv.SERVICE_NAME: service,
        semconv.DEPLOYMENT_ENVIRONMENT_NAME: environment,
        semconv.DEPLOYMENT_ID: deployment,
    }
    _export(statement._replace(attributes=attributes))


def of_change(event: EventName, at_ns: int | None, common: CommonOptions) -> Statement:
    context = find_context_safely(common, Subject.CHANGE)
    return Statement(event, at_ns, common, context, trace_parent_of_change(context.change, os.environ))


def of_approval(event: EventName, gate: str, at_ns: int | None, common: CommonOptions) -> Statement:
    attributes = {semconv.VSM_APPROVAL_GATE: gate}
    return of_change(event, at_ns, common)._replace(subject=gate, attributes=attributes)


def of_work_item(event: EventName, item: str, at_ns: int | None, common: CommonOptions) -> Statement:
    context = find_context_safely(common, Subject.WORK_ITEM)
    root = change_root(context.change) if context.change else work_item_root(item)
    parent = trace_parent(*root, os.environ)
    return Statement(event, at_ns, common._replace(work_item=item), context, parent, owner=item)


def of_incident(event: EventName, incident_id: str, at_ns: int | None, common: CommonOptions) -> Statement:
    context = find_context_safely(common, Subject.INCIDENT)
    return Statement(
        event,
        at_ns,
        common,
        # The events of an incident are of no change.
        context._replace(change=None, request=None),
        trace_parent(*incident_root(incident_id), os.environ),
        owner=incident_id,
        attributes={semconv.VSM_INCIDENT_ID: incident_id},
        links=(change_root(context.change),) if context.change else (),
    )


def _export(statement: Statement) -> None:
    export_and_leave(statement.context, statement.record)
