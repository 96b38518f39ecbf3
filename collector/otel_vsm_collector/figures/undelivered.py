"""Changes that might have been delivered in the window, and why they were not."""

from dataclasses import replace

import ibis
import ibis.expr.types as ir

from otel_vsm.semconv import TaskResult
from otel_vsm_collector.derive.rules.changes import ANCESTRY, LINKS, OWN
from otel_vsm_collector.facts import selection as select
from otel_vsm_collector.facts.selection import Selection
from otel_vsm_collector.figures.explain.reasons import Reason
from otel_vsm_collector.figures.explain.rows import ROWS, because

SETTINGS = ("unit", "window_edge", "first_deployment", "mapping")
"""The settings of a profile that decide which changes were delivered."""
PAIR = ["change_id", "deployment_id"]
"""What tells deliveries apart."""
WHERE = ["service", "environment"]


def with_undelivered(selection: Selection, arrived: ir.Table) -> ir.Table:
    """The rows that have `arrived` (change_id, deployment_id, at, reason and what else there is to say), and
    one per other change that was merged in the window or that a deployment in it claims."""
    nothing = {
        column: ibis.null(ROWS[column]) for column in ("value", "of_s", "method") if column in arrived.columns
    }
    claimed = arrived.union(_claimed(selection, arrived).mutate(**nothing).select(*arrived.columns))
    return claimed.union(_merged(selection, claimed).mutate(**nothing).select(*arrived.columns))


def _claimed(selection: Selection, arrived: ir.Table) -> ir.Table:
    """What deployments that finished in the window bring or claim, and what did not arrive with them."""
    profile = selection.profile
    # Repository, team and value stream are the change's, not the deployment's.
    anywhere = replace(selection, repository=None, team=None, value_stream=None)
    deployments = select.deployments(anywhere)
    deployments = deployments.select("result", deployment_id="id", at="finished_at")
    order = selection.table("deployment_order").select(
        *WHERE, "number", "before", "before_alike", deployment_id="id"
    )
    deployments = deployments.join(order.drop("number"), "deployment_id")
    used = [*profile.mapping, *((OWN,) if {LINKS, ANCESTRY} & set(profile.mapping) else ())]
    claims = ibis.union(
        selection.table("matched_claim").mutate(brought=False),
        selection.table("deployment_change").mutate(brought=True),
    )
    claims = claims.semi_join(deployments, "deployment_id").anti_join(arrived, PAIR)
    claims = claims.group_by(*PAIR).agg(
        brought=claims.brought.any(),
        linked=(claims.method == LINKS).any(),
        standing=(claims.method == ANCESTRY).any(),
        used=claims.method.isin(used).any(),
    )
    rows = claims.join(deployments, "deployment_id")
    changes = selection.apply(selection.table("change")).select("requested", "merged_at", change_id="id")
    rows = rows.join(changes, "change_id")
    first = select.first_deliveries(selection).select(*PAIR, "delivered_at")
    earliest = first.group_by("change_id").agg(first_at=first.delivered_at.min())
    rows = rows.left_join(earliest, "change_id").drop("change_id_right")
    # Whoever stood on it first brought it, be it from before anyone measured.
    standing = selection.table("matched_claim").filter(ibis._.method == ANCESTRY)
    standing = standing.join(order.filter(order.number.notnull()), "deployment_id")
    standing = standing.group_by(*WHERE, "change_id").agg(stood=standing.before.min())
    by = [*WHERE, "change_id"]
    rows = rows.left_join(standing, by).drop(*(f"{name}_right" for name in by))
    itself = first.select(*PAIR).distinct().mutate(first=True)
    rows = rows.left_join(itself, PAIR)
    stood = (rows.stood < rows.before) & (ANCESTRY in profile.mapping)
    before = (rows.first_at <= rows["at"]).fill_null(False) | stood.fill_null(False)
    first_ever = (rows.before == 0) & (rows.linked | (profile.first_deployment == "none"))
    first_ever |= (rows.before_alike == 0) & rows.standing
    reason = because(
        (rows.result != TaskResult.SUCCESS, Reason.UNSUCCESSFUL),
        (_unrequested(selection, rows), Reason.NO_REQUEST),
        (rows.brought & rows["first"].notnull(), Reason.OUTSIDE_WINDOW),
        (rows.brought & before, Reason.NOT_FIRST_DELIVERY),
        (rows.brought, Reason.OTHER_OF_ARTIFACT),
        (~rows.used, Reason.METHOD_NOT_USED),
        (first_ever, Reason.FIRST_DEPLOYMENT),
        (before, Reason.NOT_FIRST_DELIVERY),
        otherwise=Reason.BETTER_METHOD,
    )
    return rows.select(*PAIR, "at", reason=reason)


def _merged(selection: Selection, claimed: ir.Table) -> ir.Table:
    """The changes that were merged in the window and are not among those."""
    merged = selection.apply(selection.table("change"))
    if (wanted := selection.wanted("service")) is not None:
        merged = merged.filter(merged.services.contains(wanted))
    merged = merged.filter(selection.within(merged.merged_at))
    merged = merged.select("requested", "merged_at", "abandoned_at", change_id="id")
    merged = merged.anti_join(claimed, "change_id")
    first = select.first_deliveries(selection).select("change_id", delivered=True).distinct()
    merged = merged.left_join(first, "change_id").drop("change_id_right")
    reason = because(
        (_unrequested(selection, merged), Reason.NO_REQUEST),
        (merged.delivered.notnull(), Reason.OUTSIDE_WINDOW),
        (merged.abandoned_at.notnull(), Reason.ABANDONED),
        otherwise=Reason.NOT_DELIVERED,
    )
    nowhere = ibis.null("string")
    return merged.select("change_id", deployment_id=nowhere, at=merged.merged_at, reason=reason)


def _unrequested(selection: Selection, rows: ir.Table) -> ir.BooleanValue:
    """Whether the profile takes a change for none."""
    if selection.profile.unit == "change":
        return ibis.literal(False)
    return ~(rows.requested & rows.merged_at.notnull())
