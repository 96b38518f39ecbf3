"""An alert, and how Prometheus is told of it."""

from dataclasses import dataclass
from typing import Any

PAGE, TICKET = "page", "ticket"
"""Wakes somebody; waits for working hours."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    alert: str
    """Its name without `Vsm`."""
    expression: str
    severity: str
    summary: str
    description: str
    lasting: str = ""
    """How long it has to be so."""
    runbook: str = ""
    """The section of docs/runbooks.md, without `Vsm`; otherwise that of its name."""

    def written(self, runbooks: str) -> dict[str, Any]:
        name = f"Vsm{self.alert}"
        return {
            "alert": name,
            "expr": self.expression,
            **({"for": self.lasting} if self.lasting else {}),
            "labels": {"severity": self.severity},
            "annotations": {
                "summary": self.summary,
                "description": self.description,
                "runbook_url": f"{runbooks}#vsm{(self.runbook or self.alert).lower()}",
            },
        }
