"""The future state: what flow times would have been, had waits and work taken another share of their time.

Every change that was delivered in the window is replayed: what its stages and the waits before them took of
its flow time is shortened or lengthened, and all else stays as it was. Medians of what then comes out are no
arithmetic on medians.
"""

from collections.abc import Mapping
from typing import Any, NamedTuple

import ibis
import ibis.expr.types as ir

from otel_vsm_collector.derive.rules.stages import NANOSECONDS
from otel_vsm_collector.facts.reader import Reader
from otel_vsm_collector.facts.selection import DAY_NS, Selection
from otel_vsm_collector.figures.flow.times import flow_times, spent
from otel_vsm_collector.figures.statistic import distribution, ratio, statistic, total

WHOLE = 100


class Factors(NamedTuple):
    """What a stage takes then, in percent of now."""

    wait: int = WHOLE
    process: int = WHOLE


def future(reader: Reader, selection: Selection, stages: Mapping[str, Factors]) -> dict[str, Any]:
    """`now` and `then` (flow_time, flow_efficiency, open_changes), and how many changes were replayed.

    `open_changes` is the average that follows from throughput and mean flow time, by Little's law; as many
    changes are delivered then as now.
    """
    values: dict[str, int | str] = {}
    for number, (name, factors) in enumerate(sorted(stages.items())):
        values |= {f"stage_{number}": name, f"wait_{number}": factors.wait}
        values |= {f"process_{number}": factors.process}
    (row,) = reader.answer(replayed, selection, len(stages), **values)
    per_day = row["changes"] / selection.days

    def state(name: str) -> dict[str, Any]:
        times = distribution(row, f"{name}_flow")
        mean_s = times["mean"]
        return {
            "flow_time": times,
            "flow_efficiency": ratio(row[f"{name}_active_s"], row[f"{name}_of_s"]),
            "open_changes": None if mean_s is None else per_day * mean_s * NANOSECONDS / DAY_NS,
        }

    return {"changes": row["changes"], "now": state("now"), "then": state("then")}


def replayed(selection: Selection, number: int, **values: Any) -> ir.Table:
    """One row of the parts of both states; `stage_0`, `wait_0`, `process_0` … are what is otherwise then."""
    parts = spent(selection)

    def left_out(seconds: ir.FloatingColumn, part: str) -> ir.FloatingScalar:
        cases = [(parts.stage_name == values[f"stage_{n}"], values[f"{part}_{n}"]) for n in range(number)]
        percent = ibis.cases(*cases, else_=WHOLE) if cases else ibis.literal(WHOLE)
        return (seconds * (WHOLE - percent.cast("float64")) / float(WHOLE)).sum()

    saved = parts.group_by("change_id").agg(
        wait_saved_s=left_out(parts.wait, "wait"),
        active_saved_s=left_out(parts.active_ns / NANOSECONDS, "process"),
    )
    rows = flow_times(selection).filter(ibis._.flow_s.notnull())
    rows = rows.left_join(saved, "change_id").drop("change_id_right")
    active_saved = rows.active_saved_s.fill_null(0.0)
    rows = rows.mutate(
        now_flow=rows.flow_s,
        now_active=rows.active_s,
        then_flow=rows.flow_s - rows.wait_saved_s.fill_null(0.0) - active_saved,
        then_active=rows.active_s - active_saved,
    )
    aggregates: dict[str, ir.Scalar] = {"changes": rows.count()}
    for name in ("now", "then"):
        flow, active = rows[f"{name}_flow"], rows[f"{name}_active"]
        aggregates |= statistic(flow, f"{name}_flow", median=selection.profile.median)
        known = ibis.ifelse(active.notnull(), flow, ibis.null("float64"))
        aggregates |= {f"{name}_of_s": total(known), f"{name}_active_s": total(active)}
    return rows.aggregate(**aggregates)
