"""The product's side: the same spans in a ledger in memory, derived and read as the collector does."""

from collections.abc import Callable, Iterable
from typing import Any

from pydantic import BaseModel

from otel_vsm_collector.declared.model import Declared
from otel_vsm_collector.declared.profiles import Profile
from otel_vsm_collector.facts.reader import Reader
from otel_vsm_collector.facts.selection import Selection
from otel_vsm_collector.figures import changes, deployments, dora, flow, incidents, measurement, stages
from otel_vsm_collector.web.api import items
from reference.answers import with_something
from reference.story import cuts
from scenarios.engines import InDuckDB
from scenarios.events import Span
from scenarios.product import ByProfile
from scenarios.question import Question
from scenarios.world import World

Row = dict[str, Any]


class Product:
    """One ledger for many questions; what is compiled once serves every batch of worlds."""

    def __init__(self, declared: Declared) -> None:
        self.world = World(InDuckDB())
        self.by_profile = ByProfile(self.world, declared)

    def take(self, ledger: Iterable[Span]) -> None:
        """Forgets what was told before, and derives all that follows from this."""
        self.world.clear()
        self.world.follow(self.by_profile.definitions)
        self.world.take(list(ledger))
        self.by_profile.look()

    def ask(self, figure: str, question: Question, profile: Profile) -> Any:
        """What the API would answer, times as nanoseconds."""
        selection = self.by_profile.selection(question, profile)
        return FIGURES[figure](self.by_profile.reader, selection)


def _list(
    expression: Callable[[Selection], Any], item: Callable[[Row], BaseModel]
) -> Callable[[Reader, Selection], dict[str, Any]]:
    def read(reader: Reader, selection: Selection) -> dict[str, Any]:
        found = [plain(item(row)) for row in reader.answer(expression, selection)]
        assert len({row["id"] for row in found}) == len(found), "listed twice"
        return {row["id"]: row for row in found}

    return read


def plain(value: Any) -> Any:
    """A model as a dict, with times as they are inside."""
    if isinstance(value, BaseModel):
        return {name: plain(getattr(value, name)) for name in type(value).model_fields}
    return value


def _series(reader: Reader, selection: Selection) -> list[dict[str, Any]]:
    return dora.dora_over(reader, selection, cuts(selection.from_ns, selection.to_ns))


def _flow(reader: Reader, selection: Selection) -> dict[str, Any]:
    """Without the sentence about the bottleneck."""
    found = flow.flow(reader, selection)
    if found["bottleneck"]:
        del found["bottleneck"]["reason"]
    return found


def _health(reader: Reader, selection: Selection) -> dict[str, Any]:
    """Without what tells when spans arrived: the reference is told all at once."""
    found = measurement.measurement(reader, selection)
    del found["ingest_delay"], found["clock_skew"]["arrived_before_end"]
    return found


FIGURES: dict[str, Callable[[Reader, Selection], Any]] = {
    "dora": dora.dora,
    "dora_by_service": lambda reader, selection: with_something(dora.dora_by_service(reader, selection)),
    "series": _series,
    "stages": lambda reader, selection: {row["name"]: row for row in stages.stages(reader, selection)},
    "flow": _flow,
    "health": _health,
    "changes": _list(changes.changes, items.change),
    "deployments": _list(deployments.deployments, items.deployment),
    "incidents": _list(incidents.incidents, items.incident),
}
