"""/openapi.json: every route of the API, and what each takes."""

from handmade.web import Web

TABLES = ("changes", "deployments", "incidents", "active-incidents", "stages", "dora/by", "explain")


def test_the_description_names_every_route_of_the_api(web: Web) -> None:
    assert set(web.description["paths"]) == {
        "/api/v1/dora",
        "/api/v1/dora/series",
        "/api/v1/dora/by",
        "/api/v1/map",
        "/api/v1/advice",
        "/api/v1/future",
        "/api/v1/map.svg",
        "/api/v1/flow/cumulative",
        "/api/v1/distribution",
        "/api/v1/names",
        "/api/v1/telemetry",
        "/api/v1/timeline",
        "/api/v1/active-incidents",
        *(f"/api/v1/{table}.csv" for table in TABLES),
        "/api/v1/flow",
        "/api/v1/explain",
        "/api/v1/compare",
        "/api/v1/measurement",
        "/api/v1/stages",
        "/api/v1/changes",
        "/api/v1/changes/{id}",
        "/api/v1/deployments",
        "/api/v1/deployments/{id}",
        "/api/v1/incidents",
        "/api/v1/incidents/{id}",
        "/healthz",
        "/readyz",
        "/metrics",
    }
    assert web.get("/docs").status == 404  # it would load scripts from elsewhere


def test_a_list_and_a_figure_take_the_contracts_parameters(web: Web) -> None:
    def taken(path: str) -> set[str]:
        return {one["name"] for one in web.description["paths"][path]["get"]["parameters"]}

    figure = {
        "from",
        "to",
        "window",
        "service",
        "environment",
        "repository",
        "team",
        "value_stream",
        "severity",
        "profile",
        "time_zone",
    }
    assert taken("/api/v1/dora") == figure
    for path in ("/api/v1/changes", "/api/v1/deployments", "/api/v1/incidents", "/api/v1/stages"):
        assert taken(path) == figure | {"limit", "cursor"}
    for path in ("/api/v1/flow", "/api/v1/map", "/api/v1/measurement", "/api/v1/changes.csv"):
        assert taken(path) == figure
    for path in ("/api/v1/dora/series", "/api/v1/flow/cumulative"):
        assert taken(path) == figure | {"step"}
    assert taken("/api/v1/dora/by") == figure | {"limit", "cursor", "by"}
    assert taken("/api/v1/distribution") == figure | {"figure"}
    assert taken("/api/v1/future") == figure | {"wait", "process"}
    assert taken("/api/v1/timeline") == {"change", "profile"}
    assert taken("/api/v1/explain") == figure | {"limit", "cursor", "figure", "rows"}
    assert taken("/api/v1/compare") == figure | {"limit", "cursor", "figure", "with"}
