"""One delivery under way: kept on disk first, sent from a thread, given up in time."""

import threading
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

from otel_vsm.export.endpoint import Endpoint
from otel_vsm.export.parcel import Parcel
from otel_vsm.export.spool import Claim, Spool
from otel_vsm.saying import count_of_spans

if TYPE_CHECKING:
    from otel_vsm.export.drain import Drained
    from otel_vsm.export.exporters import Outcome

LOADING_S = 2.0
"""How long the SDK may take to load where it was not loaded beforehand. On a warm disk it takes a tenth of
that, out of the budget; on a cold one, giving up earlier would mean that nothing is ever sent from there."""
ANSWER_SHARE = 0.5
"""What is left of the budget for an answer at least, however long loading took."""


def left_for_the_answer(budget_s: float, *, loading_s: float) -> float:
    """What is left of the budget, in seconds, once loading is done."""
    return max(budget_s - loading_s, budget_s * ANSWER_SHARE)


@dataclass(slots=True)
class Kept:
    """What became of a parcel on disk."""

    spool: Spool | None = None
    claim: Claim | None = None
    problem: str = ""
    dropped: int = 0
    """Spans that had to go to make room."""

    @classmethod
    def of(cls, parcel: Parcel) -> Self:
        """Keep the parcel, if that can be done; what stands in the way must not keep it from being sent."""
        kept = cls()
        try:
            kept.spool = Spool.here()
            kept.claim = kept.spool.put(parcel)
            kept.dropped = kept.spool.trim()
        except OSError as error:
            kept.problem = error.strerror or str(error)
        return kept

    def said(self) -> str:
        if self.claim is None:
            return f"lost, since it could not be kept ({self.problem})"
        return f"kept for the next run in {self.claim.entry.path.parent}"

    def done(self) -> None:
        if self.claim:
            self.claim.done()

    def give_back(self) -> None:
        if self.claim:
            self.claim.give_back()


class Sending(threading.Thread):
    """Sends a parcel, then what the spool holds. A daemon: no process waits for it in order to end."""

    def __init__(self, parcel: Parcel, kept: Kept, endpoint: Endpoint, *, timeout_s: float) -> None:
        super().__init__(name="otel-vsm-sending", daemon=True)
        self._parcel = parcel
        self._kept = kept
        self._endpoint = endpoint
        self._timeout_s = timeout_s
        self._loaded = threading.Event()
        self._outcome: Outcome | None = None
        self._drained: Drained | None = None
        self._error = ""

    def run(self) -> None:
        try:
            self._run()
        except Exception as error:  # a thread's traceback would be printed into the user's build
            self._error = f"{type(error).__name__}: {error}"
        finally:
            self._loaded.set()
            self._kept.give_back()

    def _run(self) -> None:
        from otel_vsm.export.drain import Drained, drain
        from otel_vsm.export.exporters import Fate
        from otel_vsm.export.transport import Sender

        with Sender(self._endpoint, timeout_s=self._timeout_s) as sender:
            self._loaded.set()
            outcome = sender.send([self._parcel])
            if outcome.fate in (Fate.ACCEPTED, Fate.REFUSED):
                self._kept.done()
            self._outcome = outcome
            if self._kept.spool and outcome.fate is not Fate.UNAVAILABLE:
                self._drained = Drained()
                drain(self._kept.spool, sender.send, self._drained)

    def result(self, *, budget_s: float) -> list[str]:
        """Start, wait until all is sent or the budget is used up, and say what the user should know."""
        unfinished = f"no answer within {budget_s:.1f} s"
        try:
            # In here too: it waits for the thread to run, and by then that may have sent.
            self.start()
            start = time.monotonic()
            if self._loaded.wait(LOADING_S):
                self.join(left_for_the_answer(budget_s, loading_s=time.monotonic() - start))
            else:
                unfinished = f"loading OpenTelemetry took over {LOADING_S:g} s"
        except KeyboardInterrupt:
            unfinished = "interrupted"
        return [*self._said_of_parcel(unfinished), *self._said_of_spool()]

    def _said_of_parcel(self, unfinished: str) -> list[str]:
        from otel_vsm.export.exporters import Fate

        spans, where = count_of_spans(len(self._parcel.records)), self._endpoint.shown
        outcome = self._outcome
        if outcome is None:
            return [f"could not send {spans} to {where} ({self._error or unfinished}); {self._kept.said()}"]
        if outcome.fate is Fate.REFUSED:
            return [f"{where} refused {spans} ({outcome.said}); dropped"]
        if outcome.fate is not Fate.ACCEPTED:
            return [f"could not send {spans} to {where} ({outcome.said}); {self._kept.said()}"]
        if outcome.rejected:
            return [f"{where} rejected {outcome.rejected:,} of {spans} ({outcome.said})"]
        return []

    def _said_of_spool(self) -> list[str]:
        said = []
        if self._kept.dropped:
            said.append(
                f"the spool was full or too old: dropped the oldest {count_of_spans(self._kept.dropped)}"
            )
        if (drained := self._drained) and drained.refused:
            said.append(
                f"{self._endpoint.shown} refused {count_of_spans(drained.refused)} of earlier runs"
                f" ({drained.refusal}); dropped"
            )
        return said
