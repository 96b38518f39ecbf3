"""Whatever is asked is answered, or refused with a reason: 200 or 4xx, at every door, by every parameter."""

import base64
import json
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote, urlencode

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from handmade.facts import FactStore
from handmade.web import Web, served

DAY = "2026-05-01"
_TIMES = st.sampled_from(
    [
        *("1970-01-01", "1970-01-01T00:00:00Z", "1970-01-02", "2261-12-31", "2026-05-01", DAY),
        *(
            "2026-05-01T00:00:00Z",
            "2026-05-01T00:00:00.000000001Z",
            "9999-12-31",
            "0001-01-01T00:00:00+14:00",
        ),
        *("1969-12-31T23:59:59-01:00", "2026-02-30", "now", ""),
    ]
)
_WINDOWS = st.sampled_from(
    ["5000w", "1s", "0s", "1m", "0d", "36500d", "99999999999999999999w", "-1d", "1e9d", "30d", "P1D"]
)
_ZONES = st.sampled_from(
    ["UTC", "Europe/Berlin", "Pacific/Apia", "../etc/passwd", "/etc/localtime", "\0", "utc"]
)
_POSITIONS = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=7) | st.dictionaries(st.text(max_size=2), inner, max_size=2),
    max_leaves=8,
)


def _cursor(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


_CURSORS = st.one_of(
    st.sampled_from([b"[" * 3000, b'[1,2,3,"\\ud800"]', b"[0,0,0,0]", b"\xff", b"", b'[1e999,1,1,"a"]']).map(
        _cursor
    ),
    st.lists(st.integers(-(2**64), 2**64), min_size=3, max_size=3)
    .flatmap(lambda numbers: st.text(max_size=3).map(lambda name: [*numbers, name]))
    .map(lambda position: _cursor(json.dumps(position).encode())),
    _POSITIONS.map(lambda position: _cursor(json.dumps(position).encode())),
    st.text(max_size=30),
)
_TEXT = st.one_of(
    st.text(st.characters(codec="utf-8"), max_size=20),
    st.sampled_from(
        ["\0", "'; DROP TABLE span; --", "%", "shop", "a" * 1025, "https://[", "http://[::1", "\u202e"]
    ),
)
_KNOWN = {
    "from": _TIMES,
    "to": _TIMES,
    "window": _WINDOWS,
    "time_zone": _ZONES,
    "cursor": _CURSORS,
    "limit": st.sampled_from(["1", "1000", "0", "-1", "1001", "1.5", "9" * 5000, "١", ""]),
}


def _values(parameter: dict[str, Any]) -> Any:
    schema = parameter["schema"]
    named = [one for part in (schema, *schema.get("anyOf", ())) for one in part.get("enum", ())]
    known = st.sampled_from(named) if named else st.nothing()
    return _KNOWN.get(parameter["name"], _TEXT) | known


@pytest.fixture(scope="module")
def web() -> Iterator[Web]:
    facts = FactStore()
    with served(facts) as web:
        yield web
    facts.connection.close()


def doors(web: Web) -> dict[str, list[dict[str, Any]]]:
    """The parameters of all that can be asked."""
    return {
        path: operations["get"].get("parameters", []) for path, operations in web.description["paths"].items()
    }


@pytest.mark.parametrize(
    "question",
    [
        "/api/v1/dora?from=1970-01-01",
        "/api/v1/dora/series?from=1970-01-01&to=1970-02-01&step=month",
        "/api/v1/dora?window=5000w",
        "/api/v1/flow?window=36500d",
        "/api/v1/dora?from=2026-05-01&to=2026-05-01",
        *(
            f"/api/v1/stages?cursor={_cursor(position)}"
            for position in (
                b"[" * 3000,
                b'[1,2,3,"' + bytes([92]) + b'ud800"]',
                b"{}",
                b"[1,2,3,4]",
                b'[-9223372036854775807,9223372036854775807,0,"a"]',
            )
        ),
    ],
)
def test_what_once_was_an_error_of_ours_is_none(web: Web, question: str) -> None:
    assert web.get(question).status in (200, 422)


@pytest.mark.combinations
@settings(max_examples=400, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True)
@given(st.data())
def test_every_question_is_answered_or_refused(web: Web, data: st.DataObject) -> None:
    known = doors(web) | {"/": doors(web)["/api/v1/dora"]}
    path = data.draw(st.sampled_from(sorted(known)), label="path")
    parts = [one for one in known[path] if one["in"] == "query"]
    required = [one for one in parts if one.get("required")]
    chosen = (
        data.draw(st.lists(st.sampled_from(parts), max_size=4, unique_by=lambda one: one["name"]))
        if parts
        else []
    )
    query = {one["name"]: data.draw(_values(one), label=one["name"]) for one in [*required, *chosen]}
    for one in known[path]:
        if one["in"] == "path":
            path = path.replace(f"{{{one['name']}}}", quote(data.draw(_TEXT), safe="/"))
    answer = web.get(f"{path}?{urlencode(query)}")
    assert answer.status == 200 or 400 <= answer.status < 500, answer.body
