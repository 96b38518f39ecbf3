"""The names that filters can ask for."""

from fastapi import APIRouter, Depends
from pydantic import Field

from otel_vsm.semconv import IncidentSeverity
from otel_vsm_collector.facts.names import known
from otel_vsm_collector.web.api.models import ApiModel
from otel_vsm_collector.web.api.problems import REFUSED, once
from otel_vsm_collector.web.reading import Reader

router = APIRouter(prefix="/api/v1", tags=["lists"], responses=REFUSED, dependencies=[Depends(once)])


class Names(ApiModel):
    """What vsm.yaml declares and what spans name, in order."""

    service: list[str]
    environment: list[str] = Field(description="Classes of environments and names of single ones.")
    repository: list[str]
    team: list[str]
    value_stream: list[str]
    severity: list[str]
    profile: list[str]


@router.get("/names")
def names(reader: Reader) -> Names:
    """What filters can be given, by their names."""
    return Names(
        **known(reader),
        severity=[str(one) for one in IncidentSeverity],
        profile=list(reader.facts.declared.profile_names),
    )
