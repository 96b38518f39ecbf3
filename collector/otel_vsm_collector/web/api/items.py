"""Rows of the lists as the API's models."""

from typing import Any

from otel_vsm_collector.figures.lists.changes import LEGS
from otel_vsm_collector.web.api import models

Row = dict[str, Any]


def change(row: Row) -> models.Change:
    return models.Change(
        id=row["id"],
        aliases=row["aliases"],
        repository=row["repository"],
        events={one["event"]: one["at"] for one in row["events"] or ()},
        deployed={one["environment"]: one["at"] for one in row["deployed"] or ()},
        lead_time_s=row["lead_time_s"],
        legs=models.Legs(**{leg: row[leg] for leg in LEGS}),
        deployment_ids=row["deployment_ids"] or [],
        excluded=row["excluded"],
    )


def deployment(row: Row) -> models.Deployment:
    same = {name: row[name] for name in models.Deployment.model_fields if name in row}
    return models.Deployment(
        **same | {"change_ids": row["change_ids"] or [], "failed": bool(row["failed"])},
        failure=models.Failure(
            method=row["failure_method"], incident_id=row["failure_incident_id"], at=row["failure_at"]
        )
        if row["failed"]
        else None,
        recovery=models.Recovery(method=row["recovery_method"], deployment_id=row["recovery_deployment_id"])
        if row["recovered_at"] is not None
        else None,
    )


def incident(row: Row) -> models.Incident:
    return models.Incident(**{name: row[name] for name in models.Incident.model_fields})
