"""The product's side: the same spans in a ledger in memory, derived and read as the collector does."""

from collections.abc import Callable, Iterable
from typing import Any

from pydantic import BaseModel

from otel_vsm_collector.declared.model import Declared
from otel_vsm_collector.declared.profiles import Profile
from otel_vsm_collector.derive.definitions import Definitions
from otel_vsm_collector.facts.reader import Reader
from otel_vsm_collector.facts.selection import Selection
from otel_vsm_collector.facts.tables import FactTables
from otel_vsm_collector.figures import groups
from otel_vsm_collector.figures.flow import stages
from otel_vsm_collector.figures.lists import changes, deployments, incidents
from otel_vsm_collector.figures.registry import values
from otel_vsm_collector.web.api import items
from reference.answers import with_something
from reference.story import cuts
from scenarios.engines import InDuckDB
from scenarios.events import Span
from scenarios.product import reader, selection
from scenarios.question import Question
from scenarios.world import World

Row = dict[str, Any]


class Product:
    """One ledger for many questions; what is compiled once serves every batch of worlds."""

    def __init__(self, declared: Declared) -> None:
        self.world = World(InDuckDB())
        self.facts = FactTables(Definitions(declared))
        self.reader = reader(self.facts, self.world)

    def take(self, ledger: Iterable[Span]) -> None:
        """Forgets what was told before, and derives all that follows from this."""
        self.world.clear()
        self.world.follow(self.facts.definitions)
        self.world.take(list(ledger))
        self.reader = reader(self.facts, self.world)

    def ask(self, figure: str, question: Question, profile: Profile) -> Any:
        """What the API would answer, times as nanoseconds."""
        return FIGURES[figure](self.reader, selection(question, self.facts.by(profile)))


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
    return groups.dora_over(reader, selection, cuts(selection.from_ns, selection.to_ns))


def _by_service(reader: Reader, selection: Selection) -> dict[tuple[Any, ...], Any]:
    by_service, _ = groups.parts_by(reader, selection, ("service", "environment"), 1000)
    return with_something({key: values("dora", parts) for key, parts in by_service.items()})


def _flow(reader: Reader, selection: Selection) -> dict[str, Any]:
    """Without the sentence about the bottleneck."""
    found = groups.flow(reader, selection)
    if found["bottleneck"]:
        del found["bottleneck"]["reason"]
    return found


def _health(reader: Reader, selection: Selection) -> dict[str, Any]:
    """Without what tells when spans arrived: the reference is told all at once."""
    found = groups.measurement(reader, selection)
    del found["ingest_delay"], found["clock_skew"]["arrived_before_end"]
    return found | {"left_out": {"retracted": found["left_out"]["retracted"]}}


FIGURES: dict[str, Callable[[Reader, Selection], Any]] = {
    "dora": groups.dora,
    "dora_by_service": _by_service,
    "series": _series,
    "stages": lambda reader, selection: {row["name"]: row for row in stages.stages(reader, selection)},
    "flow": _flow,
    "health": _health,
    "changes": _list(changes.changes, items.change),
    "deployments": _list(deployments.deployments, items.deployment),
    "incidents": _list(incidents.incidents, items.incident),
}
