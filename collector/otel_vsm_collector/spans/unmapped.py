"""Spans that no mapping is about and that may be delivery work: kept for the mappings of later versions."""

import re
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from otel_vsm_collector.spans.decode import Decoded, Mask, per_distinct

# In OTLP: who answers a request, and who takes a message.
_SERVING_KINDS = (2, 5)
# Of requests, calls and messages. Jenkins puts its `ci.` attributes also on spans of the pages that people
# look at, beside who they are.
_REQUEST_PREFIXES = ("http.", "url.", "rpc.", "messaging.")
_DELIVERY, _REQUEST = 1, 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Unmapped:
    """Which spans that no mapping is about may be delivery work; by default none."""

    scopes: re.Pattern[str] | None = None
    """Matches names of instrumentation scopes."""
    attributes: re.Pattern[str] | None = None
    """Matches keys of spans' attributes. What a resource says is said of an application's spans, too."""
    max_bytes: int = 0
    """What they may take of the journal, all together."""

    def among(self, decoded: Decoded, unmapped: Mask) -> Mask:
        """Those of the spans in `unmapped` that may be delivery work.

        Never what an application does to answer a request, whatever else is said of it.
        """
        if not self.max_bytes or not unmapped.any():
            return np.zeros(len(decoded), dtype=np.bool_)
        owner = decoded.spans.attributes.owner
        attributes = np.flatnonzero(unmapped[owner])
        keys = decoded.attribute_keys.take(pa.array(attributes))
        about = per_distinct(keys, self._about, np.uint8)

        def spans_about(what: int) -> Mask:
            spans = np.zeros(len(decoded), dtype=np.bool_)
            spans[owner[attributes[about & what > 0]]] = True
            return spans

        of_scope = per_distinct(
            decoded.scope_names, lambda name: _matches(self.scopes, name.decode(errors="replace")), np.bool_
        )
        delivery = of_scope[decoded.scope] | spans_about(_DELIVERY)
        serving = np.isin(decoded.kind, _SERVING_KINDS) & spans_about(_REQUEST)
        among: Mask = unmapped & delivery & ~serving
        return among

    def _about(self, key: str) -> int:
        """What an attribute of this key says that its span is about."""
        delivery = _DELIVERY if _matches(self.attributes, key) else 0
        return delivery | (_REQUEST if key.startswith(_REQUEST_PREFIXES) else 0)


def _matches(pattern: re.Pattern[str] | None, text: str) -> bool:
    return pattern is not None and pattern.search(text) is not None
