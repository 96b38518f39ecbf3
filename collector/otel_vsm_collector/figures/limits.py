"""Figures beside the limits that are declared for them."""

from collections.abc import Iterator, Mapping
from typing import Any

from otel_vsm_collector.facts.selection import Selection

Row = dict[str, Any]


def of_dora(figures: Mapping[str, Any], selection: Selection) -> list[Row]:
    """The limits that are declared for the DORA figures (figure, value, limit, at_least, breached).

    Durations are in seconds, and the statistic is the one that the profile shows."""
    limits, statistic = selection.declared.limits, selection.profile.statistic
    return [
        *_most("change_lead_time", figures["change_lead_time"][statistic], limits.lead_time),
        *_most("change_fail_rate", figures["change_fail_rate"]["ratio"], limits.change_fail_rate),
        *_most(
            "failed_deployment_recovery_time",
            figures["failed_deployment_recovery_time"][statistic],
            limits.recovery_time,
        ),
        *_most("time_to_restore", figures["time_to_restore"][statistic], limits.time_to_restore),
    ]


def of_flow(figures: Mapping[str, Any], selection: Selection) -> list[Row]:
    """The same for the figures of flow."""
    limits = selection.declared.limits
    return [
        *_most("cycle_time", figures["cycle_time"][selection.profile.statistic], limits.cycle_time),
        *_limit("pipeline", figures["pipeline"]["ratio"], limits.pipeline_success, at_least=True),
        *_limit("tests", figures["tests"]["ratio"], limits.test_pass_rate, at_least=True),
    ]


def of_measurement(figures: Mapping[str, Any], selection: Selection) -> list[Row]:
    """The same for the measurement."""
    delay = figures["ingest_delay"][selection.profile.statistic]
    return list(_most("ingest_delay", delay, selection.declared.limits.ingest_delay))


def _most(figure: str, value: float | None, limit: Any) -> Iterator[Row]:
    return _limit(figure, value, getattr(limit, "seconds", limit), at_least=False)


def _limit(figure: str, value: float | None, limit: float | None, *, at_least: bool) -> Iterator[Row]:
    if limit is not None:
        breached = value is not None and (value < limit if at_least else value > limit)
        yield {"figure": figure, "value": value, "limit": limit, "at_least": at_least, "breached": breached}
