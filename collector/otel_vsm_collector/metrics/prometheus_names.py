"""What Prometheus calls the registry's metrics and attributes, by OpenTelemetry's rules.

Dots become underscores, the unit comes at the end, `{braces}` of a unit are dropped, a gauge of unit 1 is a
`_ratio`.
"""

import re

from otel_vsm.semconv.metrics import Metric

_UNITS = {"s": "seconds", "By": "bytes", "1": "ratio"}
_PER = {"s": "second", "d": "day"}
_BRACES = re.compile(r"\{[^}]*\}")
_NOT_IN_A_NAME = re.compile(r"[^a-zA-Z0-9_]")


def name_of(metric: Metric) -> str:
    """Of its family: the samples of counters and histograms end in `_total`, `_bucket` and others besides."""
    return family_name(metric.name, unit_of(metric.unit, is_gauge=metric.instrument == "gauge"))


def family_name(name: str, unit: str) -> str:
    return "_".join(part for part in (label_of(name), unit) if part)


def label_of(key: str) -> str:
    return _NOT_IN_A_NAME.sub("_", key)


def unit_of(ucum: str, *, is_gauge: bool) -> str:
    """The ending that a unit gives to a name; empty where it gives none."""
    if ucum == "1" and not is_gauge:
        return ""
    of, _, per = _BRACES.sub("", ucum).partition("/")
    words = [_UNITS.get(of, label_of(of))] if of else []
    return "_".join([*words, "per", _PER.get(per, label_of(per))] if per else words)
