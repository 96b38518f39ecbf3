"""The value stream map as a file: an address of the API, since it is a drawing of what the API answers."""

from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request, Response

from otel_vsm_collector.web.api.parameters import Filters
from otel_vsm_collector.web.api.problems import REFUSED, once
from otel_vsm_collector.web.api.stream_map import stream_map
from otel_vsm_collector.web.pages import rendering
from otel_vsm_collector.web.pages.map_drawing import draw
from otel_vsm_collector.web.reading import Reader, lag_headers

SVG = "image/svg+xml"

router = APIRouter(prefix="/api/v1", tags=["figures"], responses=REFUSED, dependencies=[Depends(once)])


@router.get("/map.svg", response_class=Response, responses={200: {"content": {SVG: {}}}})
def map_file(request: Request, reader: Reader, query: Annotated[Filters, Query()]) -> Response:
    """The same as /api/v1/map as a drawing."""
    drawing = draw(stream_map(reader, query))
    svg = rendering.page("map_drawing.svg", drawing=drawing, alone=True, links=None)
    name = {"content-disposition": 'attachment; filename="value-stream-map.svg"'}
    return Response(svg, media_type=SVG, headers=lag_headers(request) | name)
