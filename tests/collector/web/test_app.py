"""What a browser may do with any answer."""

import pytest

from handmade.web import Web


@pytest.mark.parametrize(
    "target", ["/", "/api/v1/changes", "/none", "/api/v1/dora?window=x", "/metrics", "/style.css", "/map"]
)
def test_a_browser_may_run_nothing_and_frame_nothing(web: Web, target: str) -> None:
    headers = web.get(target).headers
    policy = dict(part.strip().split(" ", 1) for part in headers["content-security-policy"].split(";"))
    assert policy["default-src"] == "'none'"
    assert policy["frame-ancestors"] == "'none'"
    assert "script-src" not in policy
    assert {policy[name] for name in ("style-src", "img-src", "form-action")} == {"'self'"}
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["access-control-allow-origin"] is None
