"""Health: /healthz says that the process lives, /readyz whether it can do its work."""

from fastapi import APIRouter, Request, Response

from otel_vsm_collector.web.api.models import Alive, Readiness

router = APIRouter(tags=["health"])


@router.get("/healthz")
async def healthz() -> Alive:
    """Alive, whatever else may be wrong."""
    return Alive(status="ok")


@router.get("/readyz", responses={503: {"model": Readiness, "description": "Not ready, and why"}})
def readyz(request: Request, response: Response) -> Readiness:
    """Whether spans can be kept and figures computed; 503 with the reasons while they cannot."""
    reasons = list(request.app.state.unready())
    if reasons:
        response.status_code = 503
    return Readiness(ready=not reasons, reasons=reasons)
