"""What is declared as limits, and which are broken, as series: so that rules need not copy numbers."""

from collections.abc import Iterator

from otel_vsm import semconv
from otel_vsm.figures import FIGURES
from otel_vsm.semconv import metrics as registry
from otel_vsm.semconv.metrics import Metric
from otel_vsm_collector.declared.lengths import Length
from otel_vsm_collector.declared.model import Declared
from otel_vsm_collector.figures.computed import Parts
from otel_vsm_collector.figures.limits import limits
from otel_vsm_collector.figures.registry import values

Value = tuple[Metric, dict[str, str], float]


def declared_limits(declared: Declared) -> Iterator[Value]:
    """Each limit under its name in vsm.yaml; those that are null are none."""
    for name, limit in declared.limits:
        if isinstance(limit, Length):
            yield registry.VSM_LIMIT_DURATION, {semconv.VSM_LIMIT_NAME: name}, limit.seconds
        elif limit is not None:
            yield registry.VSM_LIMIT_SHARE, {semconv.VSM_LIMIT_NAME: name}, limit


def breaches(everything: Parts) -> Iterator[Value]:
    """Whether the figures of all that was selected break their limits; of nothing that is not known."""
    for group in ("dora", "flow", "measurement"):
        for row in limits(group, values(group, everything), everything.selection):
            limit = FIGURES[row["figure"]].limit
            if limit is not None and row["value"] is not None:
                yield registry.VSM_LIMIT_BREACHED, {semconv.VSM_LIMIT_NAME: limit.key}, int(row["breached"])
