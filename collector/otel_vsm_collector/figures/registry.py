"""Every figure of the catalogue, with the family that it is computed in."""

from typing import TYPE_CHECKING, Any, Literal

from otel_vsm import figures as catalogue
from otel_vsm.figures import Group
from otel_vsm_collector.figures.computed import Computed, Family, Parts
from otel_vsm_collector.figures.dora import deployments, incidents, lead_time
from otel_vsm_collector.figures.flow import (
    approvals,
    handoffs,
    pipelines,
    promotions,
    rollbacks,
    stages,
    times,
    work_in_progress,
)
from otel_vsm_collector.figures.measurement import ingest_delay

_MODULES = (
    lead_time,
    deployments,
    incidents,
    times,
    work_in_progress,
    stages,
    handoffs,
    approvals,
    pipelines,
    promotions,
    rollbacks,
    ingest_delay,
)
FAMILIES: tuple[Family, ...] = tuple(family for module in _MODULES for family in module.FAMILIES)

_COMPUTED = {computed.figure.name: (computed, family) for family in FAMILIES for computed in family.figures}
FIGURES: dict[str, Computed] = {name: _COMPUTED[name][0] for name in catalogue.FIGURES}
EXPLAINED: dict[str, Computed] = {figure.name: FIGURES[figure.name] for figure in catalogue.EXPLAINED}
"""Those that can be explained, in the order of the API's answers."""

if TYPE_CHECKING:
    ExplainedName = str
else:
    ExplainedName = Literal[tuple(EXPLAINED)]


def value(name: str, parts: Parts) -> Any:
    """One figure, as the API shows it among the others."""
    computed, family = _COMPUTED[name]
    return computed.value(parts.of(family), parts)


def values(group: Group, parts: Parts) -> dict[str, Any]:
    """The figures of one answer of the API, in its order."""
    return {figure.name: value(figure.name, parts) for figure in catalogue.of(group)}
