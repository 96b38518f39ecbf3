"""Deliveries: when a change first reached an environment, and its lead time."""

from itertools import pairwise

import ibis
import ibis.expr.types as ir
from ibis import ifelse

from otel_vsm.semconv import TaskResult
from otel_vsm_collector.declared.profiles import Profile
from otel_vsm_collector.derive.rules.stages import NANOSECONDS
from otel_vsm_collector.derive.rules.starts import CYCLE, counted, with_start

CLOCK_SKEW, NO_START = "clock_skew", "no_start"
_MINUTE_NS = 60 * 10**9


def deliveries(carried: ir.Table, reports: ir.Table, changes: ir.Table, profile: Profile) -> ir.Table:
    """The table `delivery`: the first successful deployment of a change by service and environment.

    A lead time that would be negative is left out: the clocks disagree.
    """
    done = reports.filter(reports.result == TaskResult.SUCCESS).select(
        "service",
        "environment",
        deployment_id="id",
        shipped=shipped(reports),
        deploy_started_at="started_at",
        delivered_at="finished_at",
    )
    if profile.lead_time_per == "artifact":
        # What is deployed again was delivered before, whether or not anyone knew then what came with it.
        again = ibis.window(
            group_by=[done.service, done.environment, done.shipped],
            order_by=[done.delivered_at, done.deploy_started_at, done.deployment_id],
        )
        done = done.mutate(rank=ibis.row_number().over(again))
        done = done.filter(done["rank"] == 0).drop("rank")
    started = with_start(counted(changes, profile), profile)
    started = started.select(
        "repository",
        "started_at",
        "start_method",
        "first_commit_at",
        "opened_at",
        "merged_at",
        "first_activity_at",
        "trace_id",
        "teams",
        "value_streams",
        change_id="id",
    )
    reached = (
        carried.select("deployment_id", "change_id").join(done, "deployment_id").join(started, "change_id")
    )
    unit = reached.change_id
    if profile.lead_time_per == "artifact":
        # One of the changes that came with it, the one that began first, stands for an artifact.
        unit = reached.shipped
    order = ibis.window(
        group_by=[reached.service, reached.environment, unit],
        order_by=[
            reached.delivered_at,
            reached.deploy_started_at,
            reached.deployment_id,
            reached.started_at,
            reached.change_id,
        ],
    )
    reached = reached.mutate(rank=ibis.row_number().over(order))
    reached = reached.filter(reached["rank"] == 0)
    return reached.select(
        "change_id",
        "repository",
        "service",
        "environment",
        "deployment_id",
        "deploy_started_at",
        "delivered_at",
        "merged_at",
        "first_activity_at",
        "trace_id",
        "teams",
        "value_streams",
        **_lead_time(reached, profile),
    )


def timed(delivered: ir.Table, changes: ir.Table, profile: Profile) -> ir.Table:
    """Rows of `delivery`, of those changes that the profile counts, with the lead times that it has."""
    started = with_start(counted(changes, profile), profile)
    started = started.select("started_at", "start_method", "first_commit_at", "opened_at", change_id="id")
    reached = delivered.drop("lead_time_s", "excluded", "start_method").join(started, "change_id")
    return reached.mutate(**_lead_time(reached, profile)).select(*delivered.columns)


def shipped(reports: ir.Table) -> ir.StringValue:
    """What a deployment brought: its artifact, else its revision, else what no other one could bring."""
    return ibis.coalesce(reports.artifact, reports.revision, reports.id)


def _lead_time(reached: ir.Table, profile: Profile) -> dict[str, ir.Value]:
    """lead_time_s: seconds, null where it is left out, and `excluded`, then the reason; start_method: what it
    is counted from."""
    if profile.lead_time == "cycle":
        moments = (reached.first_commit_at, reached.opened_at, reached.merged_at, reached.delivered_at)
        first, *others = (duration(*ends, profile).fill_null(0.0) for ends in pairwise(moments))
        skewed = ibis.or_(*((end < start).fill_null(False) for start, end in pairwise(moments)))
        excluded = ibis.cases(
            (reached.merged_at.isnull(), NO_START),
            (skewed & (profile.negative == "exclude"), CLOCK_SKEW),
        )
        lead_time = ifelse(excluded.isnull(), sum(others, first), ibis.null("float64"))
        begins = zip(moments[:-1], CYCLE, strict=True)
        method = ibis.cases(*((moment.notnull(), str(name)) for moment, name in begins))
        return {"lead_time_s": lead_time, "excluded": excluded, "start_method": method}
    lead_time = duration(reached.started_at, reached.delivered_at, profile)
    if profile.negative == "zero":
        lead_time = ifelse(reached.delivered_at < reached.started_at, 0.0, lead_time)
    excluded = ibis.cases(
        (reached.started_at.isnull(), NO_START),
        (lead_time.isnull(), CLOCK_SKEW),
    )
    return {"lead_time_s": lead_time, "excluded": excluded, "start_method": reached.start_method}


def duration(start: ir.IntegerColumn, end: ir.IntegerColumn, profile: Profile) -> ir.FloatingColumn:
    """Seconds from start to end, rounded as the profile does; null where one of them is not known, or where
    they are the wrong way round."""
    length = end - start
    if profile.rounding == "minutes_up":
        length = (length + (_MINUTE_NS - 1)) // _MINUTE_NS * _MINUTE_NS
    return ifelse(end >= start, length / NANOSECONDS, ibis.null("float64"))
