"""/healthz and /readyz."""

from handmade.web import Web


def test_it_is_alive_even_when_it_cannot_work(web: Web) -> None:
    web.reasons = ["the journal is being read again"]
    assert (web.get("/healthz").status, web.get("/healthz").json) == (200, {"status": "ok"})


def test_it_is_ready_until_there_is_a_reason_why_not(web: Web) -> None:
    assert (web.get("/readyz").status, web.get("/readyz").json) == (200, {"ready": True, "reasons": []})
    web.reasons = ["the journal is being read again"]
    found = web.get("/readyz")
    assert found.status == 503
    assert found.json == {"ready": False, "reasons": ["the journal is being read again"]}
