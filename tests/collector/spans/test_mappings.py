"""What a mapping says of spans, and which of several mappings a span is understood by."""

from collections import abc
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from handmade.otlp import Otlp
from otel_vsm_collector.spans.accept import Counts, accept
from otel_vsm_collector.spans.classify import UNMAPPED, Classifier
from otel_vsm_collector.spans.columns import MAPPED
from otel_vsm_collector.spans.decode import decode
from otel_vsm_collector.spans.mappings import MAPPINGS, fingerprint, otel_vsm
from otel_vsm_collector.spans.mappings.mapping import (
    Attribute,
    Constant,
    Mapping,
    Source,
    SpanName,
)
from otel_vsm_collector.spans.rows import Numbered, ledger_rows

Values = dict[str, Any]


def mapping(**parts: Any) -> Mapping:
    return Mapping(**({"name": "test", "span_prefixes": ("x.",), "columns": {}} | parts))


def rows(payload: bytes, *mappings: Mapping) -> list[Values]:
    accepted = accept([payload], classifier=Classifier(mappings)).spans
    assert accepted is not None
    found: list[Values] = ledger_rows([Numbered([1], accepted)]).span.to_pylist()
    return found


class TestConversions:
    """One column of one span, from one source or several."""

    @pytest.fixture
    def value_of(self, otlp: Otlp) -> abc.Callable[..., Any]:
        def of(
            sources: Source | tuple[Source, ...],
            span: Values,
            resource: Values | None = None,
            column: str = "ref_name",
            **fields: Any,
        ) -> Any:
            some = sources if isinstance(sources, tuple) else (sources,)
            # Another span, whose values must not come into the first one's row.
            other = otlp.span({"x.": "", "x.a": "other", "x.b": "other", "x.n": 77}, name="other")
            payload = otlp.payload(other, otlp.span({"x.": ""} | span, **fields), resource=resource)
            return rows(payload, mapping(columns={column: some}))[1][column]

        return of

    def test_the_first_source_that_has_a_value_counts(self, value_of: Any) -> None:
        sources = Attribute("x.a"), Attribute("x.b"), Constant("else")
        assert value_of(sources, {"x.a": "a", "x.b": "b"}) == "a"
        assert value_of(sources, {"x.a": "", "x.b": "b"}) == "b"
        assert value_of(sources, {"x.a": 1.5, "x.b": 7}) == "7"
        assert value_of(sources, {}) == "else"
        assert value_of(sources, {"x.b": "b"}, {"x.a": "a of the resource"}) == "a of the resource"

    def test_a_source_may_be_the_span_or_the_resource_alone(self, value_of: Any) -> None:
        on_both = {"x.a": "span"}, {"x.a": "resource"}
        assert value_of(Attribute("x.a"), *on_both) == "span"
        assert value_of(Attribute("x.a", "span"), *on_both) == "span"
        assert value_of(Attribute("x.a", "resource"), *on_both) == "resource"
        assert value_of(Attribute("x.a", "span"), {}, {"x.a": "resource"}) is None
        assert value_of(Attribute("x.a", "resource"), {"x.a": "span"}) is None

    @pytest.mark.parametrize(
        ("given", "value"),
        [
            ("https://github.com/acme/shop/actions/runs/123/job/9", "123"),
            ("https://github.com/acme/shop/actions/runs/", None),
            ("elsewhere", None),
            (5, None),
            (None, None),
        ],
    )
    def test_a_pattern_finds_the_value_in_the_text(
        self, value_of: Any, given: Any, value: str | None
    ) -> None:
        assert value_of(Attribute("x.a", pattern=r"/runs/(?P<value>\d*)"), {"x.a": given}) == value

    def test_where_a_pattern_finds_nothing_the_next_one_that_may_say_it_counts(self, value_of: Any) -> None:
        source = Attribute("x.a", pattern=r"^v(?P<value>.+)")
        assert value_of(source, {"x.a": "1"}, {"x.a": "v2"}) == "2"
        assert value_of((source, Attribute("x.b")), {"x.a": "1", "x.b": "3"}) == "3"

    @pytest.mark.parametrize(
        ("given", "value"),
        [("FAILED", "failure"), ("canceled", "cancellation"), ("Success", "Success"), (None, None)],
    )
    def test_words_become_ours_in_any_case(self, value_of: Any, given: Any, value: str | None) -> None:
        source = Attribute("x.a", words={"failed": "failure", "canceled": "cancellation"})
        assert value_of(source, {"x.a": given}) == value

    def test_words_are_looked_up_in_what_a_pattern_found(self, value_of: Any) -> None:
        source = Attribute("x.a", pattern=r"^job:(?P<value>\w+)", words={"unit": "test"})
        assert value_of(source, {"x.a": "job:Unit"}) == "test"

    @pytest.mark.parametrize(
        ("per_second", "given", "seconds"),
        [
            (1.0, 2.5, 2.5),
            (1e3, 1500, 1.5),
            (1e9, 250_000_000, 0.25),
            (1e9, "3000000000", 3.0),
            (1e9, 10**17, 1e8),
            (1e9, -1, None),
            (1.0, 10**18, None),
            (1e9, "soon", None),
        ],
    )
    def test_numbers_become_seconds(
        self, value_of: Any, per_second: float, given: Any, seconds: float | None
    ) -> None:
        source = Attribute("x.n", per_second=per_second)
        assert value_of(source, {"x.n": given}, column="queue_s") == seconds
        assert value_of(source, {}, {"x.n": given}, column="queue_s") == seconds

    def test_the_spans_own_name_may_say_it(self, value_of: Any) -> None:
        stage = SpanName(pattern=r"^Stage: (?P<value>.+)", words={"ship it": "deploy"})
        assert value_of(stage, {}, name="Stage: Ship it") == "deploy"
        assert value_of(stage, {}, name="Phase: Run") is None
        assert value_of((SpanName(), Constant("nameless")), {}, name="") == "nameless"
        assert value_of(SpanName(), {}, name="build") == "build"

    def test_what_a_mapping_does_not_fill_is_null(self, otlp: Otlp) -> None:
        (row,) = rows(otlp.payload(otlp.span({"x.": "", "vsm.team": "pay"})), mapping())
        assert {row[column.name] for column in MAPPED} == {None}


class TestConditions:
    """A source that counts only for some spans."""

    TYPE = mapping(
        columns={
            "stage_type": (
                Constant(
                    "deploy", where=(Attribute("x.a", "span"), Attribute("x.b", pattern="^(?P<value>yes)$"))
                ),
                Attribute("x.c", unless=(SpanName(pattern="^(?P<value>Phase: )"), Attribute("x.d"))),
                Constant("other", where=(Attribute("x.e", unless=(Attribute("x.d"),)),)),
            )
        }
    )

    @pytest.mark.parametrize(
        ("said", "name", "expected"),
        [
            ({"x.a": "1"}, "", "deploy"),
            ({"x.a": False}, "", "deploy"),
            ({"x.a": ""}, "", None),
            ({"x.b": "yes"}, "", "deploy"),
            ({"x.b": "no"}, "", None),
            ({"x.c": "build"}, "", "build"),
            ({"x.b": "yes", "x.c": "build"}, "", "deploy"),
            ({"x.c": "build"}, "Phase: Run", None),
            ({"x.c": "build", "x.d": "1"}, "", None),
            ({"x.c": "build", "x.d": "1", "x.e": "1"}, "", None),
            ({"x.c": "build", "x.e": "1"}, "Phase: Run", "other"),
        ],
    )
    def test_it_counts_where_its_conditions_hold(
        self, otlp: Otlp, said: Values, name: str, expected: str | None
    ) -> None:
        spans = [otlp.span({"x.": ""} | said, name=name), otlp.span({"x.": "", "x.c": "test"}, name="n")]
        for some in (spans, spans[::-1]):
            found = {row["name"]: row["stage_type"] for row in rows(otlp.payload(*some), self.TYPE)}
            assert found == {name: expected, "n": "test"}
        (alone,) = rows(otlp.payload(spans[0]), self.TYPE)
        assert alone["stage_type"] == expected

    def test_a_condition_is_of_the_span_or_its_resource_as_it_says(self, otlp: Otlp) -> None:
        def value(condition: Attribute, **parts: Values) -> Any:
            payload = otlp.payload(
                otlp.span({"x.": ""} | parts.get("span", {})), resource=parts.get("resource")
            )
            (row,) = rows(payload, mapping(columns={"team": (Constant("a", where=(condition,)),)}))
            return row["team"]

        for condition, on_span, on_resource in (
            (Attribute("x.a"), "a", "a"),
            (Attribute("x.a", "span"), "a", None),
            (Attribute("x.a", "resource"), None, "a"),
        ):
            assert value(condition, span={"x.a": "1"}) == on_span
            assert value(condition, resource={"x.a": "1"}) == on_resource
            assert value(condition) is None


class TestResults:
    @pytest.mark.parametrize(
        ("words", "result"),
        [
            ("success SUCCEEDED Passed ok fixed", "success"),
            ("failure failed UNSTABLE", "failure"),
            ("error errored broken startup_failure", "error"),
            ("timeout timed_out", "timeout"),
            ("cancellation cancelled canceled ABORTED killed", "cancellation"),
            ("skip skipped neutral NOT_BUILT manual", "skip"),
            ("Waiting", "waiting"),
        ],
    )
    def test_one_word_for_each_result_whatever_mapping_it_came_by(
        self, otlp: Otlp, words: str, result: str
    ) -> None:
        spans = [otlp.span({"x.r": word}) for word in words.split()]
        found = rows(otlp.payload(*spans), mapping(columns={"result": (Attribute("x.r"),)}))
        assert [row["result"] for row in found] == [result] * len(spans)

    def test_what_is_true_or_not_passed_or_did_not(self, otlp: Otlp) -> None:
        payload = otlp.payload(otlp.span({"x.r": True}), otlp.span({"x.r": False}))
        found = rows(payload, mapping(columns={"result": (Attribute("x.r"),)}))
        assert [row["result"] for row in found] == ["success", "failure"]


class TestDropped:
    def test_what_is_no_delivery_work_is_filtered(self, otlp: Otlp) -> None:
        dropping = mapping(
            dropped=(
                SpanName(pattern="^(?P<value>Phase: )"),
                Attribute("x.kind", pattern="^(?P<value>fixture)$"),
            )
        )
        payload = otlp.payload(
            otlp.span({"x.": "", "x.kind": "test"}, name="one"),
            otlp.span({"x.": ""}, name="Phase: Start"),
            otlp.span({"x.": "", "x.kind": "fixture"}, name="two"),
            otlp.span({"x.": "", "x.kind": "fixtures"}, name="three"),
        )
        accepted = accept([payload], classifier=Classifier([dropping]))
        assert accepted.counts == Counts(received=4, filtered=2, kept=2)
        assert [row["name"] for row in rows(payload, dropping)] == ["one", "three"]

    def test_it_is_not_given_to_another_mapping_instead(self, otlp: Otlp) -> None:
        dropping = mapping(dropped=(SpanName(),))
        payload = otlp.payload(otlp.span({"x.": "", "vsm.stage.name": "build"}))
        assert accept([payload], classifier=Classifier([dropping, *MAPPINGS])).counts.filtered == 1
        assert accept([payload], classifier=Classifier([*MAPPINGS, dropping])).counts.kept == 1


SCOPES = st.sampled_from(["", "a", "b", "c"])
PREFIXES = st.lists(st.sampled_from(["a.", "b.", "a.b.", "vsm."]), max_size=2).map(tuple)
KEYS = st.sampled_from(["a.x", "a.b.x", "b.x", "c.x", "vsm.x", "vsm.team", "vsm.stage.name", "b.y"])
ANY_MAPPINGS = st.lists(
    st.builds(
        Mapping,
        name=st.just("any"),
        scopes=st.lists(SCOPES, min_size=1, max_size=1).map(tuple),
        span_prefixes=PREFIXES,
        resource_prefixes=PREFIXES,
        context=st.lists(KEYS, max_size=2).map(tuple),
        resource_context=st.lists(KEYS, max_size=1).map(tuple),
        # Keys that are known, and others.
        columns=st.just({"team": (Attribute("b.y"), Attribute("a.x"))}),
    ),
    min_size=1,
    max_size=4,
)
RESOURCES = st.lists(
    st.tuples(
        st.lists(KEYS, max_size=2),
        st.lists(st.tuples(SCOPES, st.lists(st.lists(KEYS, max_size=2), max_size=3)), max_size=2),
    ),
    max_size=3,
)


def about(one: Mapping, scope: str, span: list[str], resource: list[str]) -> bool:
    return (
        scope in one.scopes
        or any(key.startswith(one.span_prefixes) and key not in one.context for key in span)
        or any(
            key.startswith(one.resource_prefixes) and key not in (*one.context, *one.resource_context)
            for key in resource
        )
    )


@given(mappings=ANY_MAPPINGS, resources=RESOURCES)
def test_of_several_mappings_the_first_that_is_about_a_span_holds(
    mappings: list[Mapping], resources: list[Any]
) -> None:
    request, expected = ExportTraceServiceRequest(), []
    for of_resource, scopes in resources:
        resource_spans = request.resource_spans.add()
        for key in of_resource:
            resource_spans.resource.attributes.add(key=key).value.string_value = "x"
        for scope, spans in scopes:
            scope_spans = resource_spans.scope_spans.add()
            scope_spans.scope.name = scope
            for of_span in spans:
                span = scope_spans.spans.add()
                for key in of_span:
                    span.attributes.add(key=key).value.string_value = "x"
                found = [i for i, one in enumerate(mappings) if about(one, scope, of_span, of_resource)]
                expected.append(found[0] if found else UNMAPPED)
    classifier = Classifier(mappings)
    decoded = decode([request.SerializeToString()], classifier.known_keys)
    assert classifier.classify(decoded).tolist() == expected


def test_the_last_of_as_many_mappings_as_there_may_be_is_found(otlp: Otlp) -> None:
    many = [mapping(span_prefixes=(f"m{number}.",)) for number in range(32)]
    payload = otlp.payload(*[otlp.span({f"m{number}.": ""}) for number in (31, 0, 30)])
    classifier = Classifier(many)
    assert classifier.classify(decode([payload], classifier.known_keys)).tolist() == [31, 0, 30]


@pytest.mark.parametrize(
    "many",
    [
        [mapping()] * 33,
        [mapping(columns={"team": tuple(Attribute(f"x.{number}") for number in range(255))})],
    ],
)
def test_more_than_can_be_told_apart_is_refused(many: list[Mapping]) -> None:
    with pytest.raises(ValueError, match="at most 32 and 254 can be told apart"):
        Classifier(many)


def test_our_own_convention_fills_every_column_by_an_attribute_of_its_own() -> None:
    assert list(otel_vsm.MAPPING.columns) == [column.name for column in MAPPED]
    sources = [first for first, *_ in otel_vsm.MAPPING.columns.values()]
    assert len({source.key for source in sources if isinstance(source, Attribute)}) == len(MAPPED)


def test_no_two_mappings_have_one_name() -> None:
    assert len({one.name for one in MAPPINGS}) == len(MAPPINGS)


@pytest.mark.parametrize(
    ("parts", "sentence"),
    [
        ({"span_prefixes": ()}, "is about no span; give it scopes or prefixes"),
        ({"columns": {"stage": ()}}, "fills stage; columns are change_id, repository"),
        ({"columns": {"seq": ()}}, "fills seq; columns are change_id, repository"),
        ({"columns": {"queue_s": (SpanName(),)}}, "source of queue_s that is no number"),
        (
            {"columns": {"queue_s": (Attribute("a", words={"a": "b"}),)}},
            "source of queue_s that is no number",
        ),
        ({"columns": {"team": (Attribute("a", per_second=1e9),)}}, "source of team that is no text"),
        ({"columns": {"team": (Attribute("a", pattern="a(b)"),)}}, r"a pattern without \(\?P<value>…\)"),
        (
            {"columns": {"team": (Constant("a", where=(Attribute("x.a", pattern="a"),)),)}},
            r"a pattern without \(\?P<value>…\)",
        ),
    ],
)
def test_a_mapping_that_contradicts_itself_says_so(parts: Values, sentence: str) -> None:
    with pytest.raises(ValueError, match=f"the mapping test .*{sentence}"):
        mapping(**parts)


class TestFingerprint:
    def test_it_is_the_same_for_the_same(self) -> None:
        assert fingerprint() == fingerprint(MAPPINGS) == fingerprint([*MAPPINGS])

    @pytest.mark.parametrize(
        "changed",
        [
            {"scopes": ("a",)},
            {"context": ()},
            {"dropped": (SpanName(),)},
            {"columns": {"team": (Attribute("vsm.team"),)}},
            {"columns": {**otel_vsm.MAPPING.columns, "team": (Attribute("vsm.team", "span"),)}},
            {"columns": {**otel_vsm.MAPPING.columns, "team": (Attribute("vsm.team", words={"a": "b"}),)}},
            {"columns": {**otel_vsm.MAPPING.columns, "queue_s": (Attribute("q", per_second=1e9),)}},
        ],
    )
    def test_it_changes_with_a_mapping(self, changed: Values) -> None:
        assert fingerprint([replace(otel_vsm.MAPPING, **changed)]) != fingerprint()

    def test_it_changes_with_the_order(self) -> None:
        first, second = mapping(), mapping(name="other")
        assert fingerprint([first, second]) != fingerprint([second, first])
