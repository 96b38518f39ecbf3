"""Trace context comes and goes by environment variables, and nothing in them can do harm."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from otel_vsm.identity import SpanId, SpanReference, TraceId
from otel_vsm.propagation import incoming, is_wanted, traceparent

TRACE, SPAN = TraceId("0af7651916cd43dd8448eb211c80319c"), SpanId("b7ad6b7169203331")
VALID = f"00-{TRACE}-{SPAN}-01"


GOOD = [VALID, VALID[:-2] + "00", f" {VALID}\t", f"01-{VALID[3:]}", f"cc-{VALID[3:]}-more"]


@pytest.mark.parametrize("given", GOOD)
def test_the_span_around_us(given: str) -> None:
    assert incoming({"TRACEPARENT": given}) == SpanReference(TRACE, SPAN)


BAD = [
    "",
    "00",
    VALID[:-1],
    VALID + "0",
    VALID + "-more",
    VALID.upper(),
    f"ff-{VALID[3:]}",
    VALID.replace(TRACE, "0" * 32),
    VALID.replace(SPAN, "0" * 16),
    VALID.replace("-", "_"),
    f"{VALID}\n",
    f"{VALID}\nTRACEPARENT={VALID}",
    f"cc-{VALID[3:]}-{'x' * 2_000_000}",
    "٠" + VALID[1:],
]


@pytest.mark.parametrize("given", BAD, ids=range(len(BAD)))
def test_what_is_no_span_is_ignored(given: str) -> None:
    assert incoming({"TRACEPARENT": given}) is None


@given(st.text())
def test_anything_may_stand_there(text: str) -> None:
    caller = incoming({"TRACEPARENT": text})
    assert caller is None or (len(caller.trace_id), len(caller.span_id)) == (32, 16)


def test_only_the_upper_case_name_counts() -> None:
    assert incoming({"traceparent": VALID, "Traceparent": VALID}) is None


def test_what_is_passed_on_can_be_read() -> None:
    assert incoming({"TRACEPARENT": traceparent(TRACE, SPAN)}) == SpanReference(TRACE, SPAN)


@pytest.mark.parametrize(
    ("propagators", "wanted"),
    [
        (None, True),
        ("", True),
        ("baggage,tracecontext", True),
        (" B3 , TraceContext ", True),
        ("none", False),
        ("b3", False),
    ],
)
def test_it_is_passed_on_unless_it_is_left_out(propagators: str | None, wanted: bool) -> None:
    assert is_wanted({} if propagators is None else {"OTEL_PROPAGATORS": propagators}) is wanted
