"""The export of one parcel in the background: spooled first, sent from a thread, given up in time."""

import threading
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

from otel_vsm.export.endpoint import Endpoint
from otel_vsm.export.parcel import Parcel
from otel_vsm.export.running import spool_abandoned
from otel_vsm.export.spool import LockedEntry, Spool
from otel_vsm.text import count_of_spans

if TYPE_CHECKING:
    from otel_vsm.export.drain import DrainResult
    from otel_vsm.export.exporters import ExportResult

LOADING_S = 2.0
"""How long the exporter may take to load where it was not loaded beforehand. On a warm disk that takes a
tenth of it, out of the budget; on a cold one, giving up earlier would mean that nothing is ever sent."""
RESPONSE_SHARE = 0.5
"""What is left of the budget for a response at least, however long loading took."""


def response_budget_s(budget_s: float, *, loading_s: float) -> float:
    """What is left of the budget, in seconds, once loading is done."""
    return max(budget_s - loading_s, budget_s * RESPONSE_SHARE)


@dataclass(slots=True)
class SpooledParcel:
    """What became of a parcel on disk."""

    spool: Spool | None = None
    entry: LockedEntry | None = None
    problem: str = ""
    dropped: int = 0
    """Spans that had to go to make room."""

    @classmethod
    def of(cls, parcel: Parcel) -> Self:
        """Spool the parcel, if that can be done; what stands in the way must not keep it from being sent."""
        spooled = cls()
        try:
            spooled.spool = Spool.of_this_user()
            spooled.entry = spooled.spool.put(parcel)
            spool_abandoned(spooled.spool)
            spooled.dropped = spooled.spool.trim()
        except OSError as error:
            spooled.problem = error.strerror or str(error)
        return spooled

    def message(self) -> str:
        """What became of it, in words for the user."""
        if self.entry is None:
            return f"lost, since it could not be kept ({self.problem})"
        return f"kept for the next run in {self.entry.entry.path.parent}"

    def remove(self) -> None:
        if self.entry:
            self.entry.remove()

    def release(self) -> None:
        if self.entry:
            self.entry.release()


class BackgroundExport(threading.Thread):
    """Sends a parcel, then what the spool holds. A daemon: no process waits for it in order to end."""

    def __init__(
        self, parcel: Parcel, spooled: SpooledParcel, endpoint: Endpoint, *, timeout_s: float
    ) -> None:
        super().__init__(name="otel-vsm-export", daemon=True)
        self._parcel = parcel
        self._spooled = spooled
        self._endpoint = endpoint
        self._timeout_s = timeout_s
        self._loaded = threading.Event()
        self._result: ExportResult | None = None
        self._drain_result: DrainResult | None = None
        self._error = ""

    @property
    def is_acknowledged(self) -> bool:
        """Whether the receiver took all of the parcel."""
        from otel_vsm.export.exporters import Outcome

        result = self._result
        return result is not None and result.outcome is Outcome.ACCEPTED and not result.rejected

    def run(self) -> None:
        try:
            self._run()
        except Exception as error:  # a thread's traceback would be printed into the user's build
            self._error = f"{type(error).__name__}: {error}"
        finally:
            self._loaded.set()
            self._spooled.release()

    def _run(self) -> None:
        from otel_vsm.export.drain import DrainResult, drain
        from otel_vsm.export.exporters import Outcome
        from otel_vsm.export.transport import Sender

        with Sender(self._endpoint, timeout_s=self._timeout_s) as sender:
            self._loaded.set()
            result = sender.send([self._parcel])
            if result.outcome in (Outcome.ACCEPTED, Outcome.REFUSED):
                self._spooled.remove()
            self._result = result
            if self._spooled.spool and result.outcome is not Outcome.UNAVAILABLE:
                self._drain_result = DrainResult()
                drain(self._spooled.spool, sender.send, self._drain_result)

    def warnings_within(self, *, budget_s: float) -> list[str]:
        """Start, wait until all is sent or the budget is used up, and give what the user should know."""
        unfinished = f"no answer within {budget_s:.1f} s"
        try:
            # In here too: it waits for the thread to run, and by then that may have sent.
            self.start()
            start = time.monotonic()
            if self._loaded.wait(LOADING_S):
                self.join(response_budget_s(budget_s, loading_s=time.monotonic() - start))
            else:
                unfinished = f"loading the exporter took over {LOADING_S:g} s"
        except KeyboardInterrupt:
            unfinished = "interrupted"
        return [*self._parcel_warnings(unfinished), *self._spool_warnings()]

    def _parcel_warnings(self, unfinished: str) -> list[str]:
        from otel_vsm.export.exporters import Outcome

        spans, where = count_of_spans(len(self._parcel.records)), self._endpoint.redacted_url
        result = self._result
        if result is None:
            return [
                f"could not send {spans} to {where} ({self._error or unfinished}); {self._spooled.message()}"
            ]
        if result.outcome is Outcome.REFUSED:
            return [f"{where} refused {spans} ({result.message}); dropped"]
        if result.outcome is not Outcome.ACCEPTED:
            return [f"could not send {spans} to {where} ({result.message}); {self._spooled.message()}"]
        if result.rejected:
            return [f"{where} rejected {result.rejected:,} of {spans} ({result.message})"]
        return []

    def _spool_warnings(self) -> list[str]:
        warnings = []
        if self._spooled.dropped:
            warnings.append(
                f"the spool was full or too old: dropped the oldest {count_of_spans(self._spooled.dropped)}"
            )
        if (result := self._drain_result) and result.refused:
            warnings.append(
                f"{self._endpoint.redacted_url} refused {count_of_spans(result.refused)} of earlier runs"
                f" ({result.refused_reason}); dropped"
            )
        return warnings
