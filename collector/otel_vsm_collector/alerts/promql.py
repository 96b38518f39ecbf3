"""Expressions of PromQL over the registry's metrics."""

import json

from otel_vsm.semconv.metrics import Metric
from otel_vsm_collector.metrics.prometheus_names import label_of, name_of


def labels(*keys: str) -> str:
    return ", ".join(map(label_of, keys))


def series(metric: Metric, matchers: dict[str, str] | None = None, *more: str, part: str = "") -> str:
    """A selector: `matchers` are attribute → regular expression, `more` are written out; `part` is the end of
    a sample's name, which for a counter is `_total`."""
    ending = "_total" if metric.instrument == "counter" else part
    # Strings are quoted in PromQL as in JSON.
    wanted = [f"{label_of(key)}=~{json.dumps(pattern)}" for key, pattern in (matchers or {}).items()]
    return f"{name_of(metric)}{ending}{{{', '.join([*wanted, *more])}}}"


def grown(counter: str, over: str, *by: str) -> str:
    """By how much a counter grew in a range, for each value of the attributes `by`. Not by `increase`: after
    a restart the collector counts again all that it knows, and where that is less than before, `increase`
    would take all of it for new."""
    return f"sum by ({labels(*by)}) ({counter} - min_over_time({counter}[{over}]))"
