"""/metrics, for Prometheus."""

from fastapi import APIRouter, Request, Response

from otel_vsm_collector.metrics import prometheus

router = APIRouter(tags=["metrics"])


@router.get("/metrics", response_class=Response, responses={200: {"content": {"text/plain": {}}}})
def metrics(request: Request) -> Response:
    """Every metric as it is now; with exemplars in OpenMetrics, which the Accept header can ask for."""
    accept = request.headers.get("accept", "")
    content, content_type = prometheus.render(request.app.state.collect(), accept)
    return Response(content, headers={"content-type": content_type})
