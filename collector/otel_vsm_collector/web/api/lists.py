"""The lists of the API, page by page, and each of their items by its id."""

from collections.abc import Callable
from typing import Annotated, Any

import ibis
from fastapi import APIRouter, Depends, HTTPException, Path, Query
from ibis.expr import types as ir

from otel_vsm.text import quoted
from otel_vsm_collector.facts.selection import Selection
from otel_vsm_collector.facts.selection import deployments as finished
from otel_vsm_collector.facts.tables import FactTables
from otel_vsm_collector.figures.dora.incidents import active_incidents as active_rows
from otel_vsm_collector.figures.lists import changes as changes_listed
from otel_vsm_collector.figures.lists import deployments as deployments_listed
from otel_vsm_collector.figures.lists import incidents as incidents_listed
from otel_vsm_collector.web.api import items, models
from otel_vsm_collector.web.api.pagination import Listed, Paging, page
from otel_vsm_collector.web.api.parameters import Profile, known_by, notices
from otel_vsm_collector.web.api.problems import MISSING, REFUSED, once
from otel_vsm_collector.web.reading import Reader

CHANGES = Listed("at", changes_listed.moments, changes_listed.changes)
# As they follow each other in their service and environment: tags of one second differ in when they started.
DEPLOYMENTS = Listed("finished_at", finished, deployments_listed.deployments, ties=("started_at", "number"))
INCIDENTS = Listed("started_at", incidents_listed.incidents, lambda _, rows: rows)
ACTIVE = Listed("started_at", active_rows, lambda _, rows: rows)

router = APIRouter(prefix="/api/v1", tags=["lists"], responses=REFUSED, dependencies=[Depends(once)])

Asked = Annotated[Paging, Query()]
Id = Annotated[str, Path(description="As the lists give it; in a URL, # is written %23.")]


@router.get("/changes")
def changes(reader: Reader, asked: Asked) -> models.Page[models.Change]:
    """The changes delivered in the window, and of those not delivered the ones begun in it; newest first."""
    selection = asked.selection(reader)
    rows, following = page(reader, CHANGES, asked, selection)
    return models.Page(
        items=[items.change(row) for row in rows], next_cursor=following, notices=notices(reader, selection)
    )


@router.get("/changes/{id:path}", responses=MISSING)
def change(reader: Reader, id: Id, profile: Profile = None) -> models.Change:
    """One change, by its id or one of its aliases; lead time and legs are those to production."""
    known, missing = known_by(reader, profile), "change is known by the id or alias"
    return items.change(_one(reader, changes_listed.change, known, id, missing, hint=_UNENCODED))


@router.get("/deployments")
def deployments(reader: Reader, asked: Asked) -> models.Page[models.Deployment]:
    """The deployments that finished in the window, successful or not; newest first."""
    selection = asked.selection(reader)
    rows, following = page(reader, DEPLOYMENTS, asked, selection)
    return models.Page(
        items=[items.deployment(row) for row in rows],
        next_cursor=following,
        notices=notices(reader, selection),
    )


@router.get("/deployments/{id:path}", responses=MISSING)
def deployment(reader: Reader, id: Id, profile: Profile = None) -> models.Deployment:
    """One deployment, by its id or that of a backfilled one that it stands for; one of several of one id by
    ID/SERVICE/ENVIRONMENT."""
    known, missing = known_by(reader, profile), "deployment is known by the id"
    row = _one(reader, deployments_listed.deployment, known, id, missing, hint=_SEVERAL)
    return items.deployment(row)


@router.get("/incidents")
def incidents(reader: Reader, asked: Asked) -> models.Page[models.Incident]:
    """The incidents that started in the window; newest first."""
    selection = asked.selection(reader)
    rows, following = page(reader, INCIDENTS, asked, selection)
    return models.Page(
        items=[items.incident(row) for row in rows], next_cursor=following, notices=notices(reader, selection)
    )


@router.get("/active-incidents")
def active_incidents(reader: Reader, asked: Asked) -> models.Page[models.Incident]:
    """The incidents that had started by the window's end and were not resolved; newest first."""
    selection = asked.selection(reader)
    rows, following = page(reader, ACTIVE, asked, selection)
    return models.Page(
        items=[items.incident(row) for row in rows], next_cursor=following, notices=notices(reader, selection)
    )


@router.get("/incidents/{id:path}", responses=MISSING)
def incident(reader: Reader, id: Id, profile: Profile = None) -> models.Incident:
    """One incident."""
    known, missing = known_by(reader, profile), "incident is known by the id"
    return items.incident(_one(reader, incidents_listed.incident, known, id, missing))


_Named = Callable[[ir.StringScalar, FactTables], ir.Table]
_SEVERAL = "; where several have one id, one of them is known by ID/SERVICE/ENVIRONMENT"
_UNENCODED = "; an id such as github.com/acme/shop#12 is written github.com/acme/shop%2312 in a URL"


def _one(
    reader: Reader, what: _Named, facts: FactTables, id: str, missing: str, hint: str = ""
) -> dict[str, Any]:
    """The row of this id, or else the first that it is an alias of. Raises HTTPException if there is none."""
    rows = reader.answer(_named, Selection(from_ns=0, to_ns=0, facts=facts), what, id=id)
    if not rows:
        raise HTTPException(404, f"no {missing} {quoted(id)}{'' if '#' in id else hint}")
    return rows[0]


def _named(selection: Selection, what: _Named, id: ir.StringScalar) -> ir.Table:
    named = what(id, selection.facts)
    return named.order_by([ibis.desc(named.id == id), named.id]).limit(1)
