"""What a scanner's report in SARIF says: how many findings of which severity."""

import json
from pathlib import Path
from typing import Any

MAX_BYTES = 256 << 20
# By the score that GitHub and others put on a rule; without one, by the level.
_SCORES = ((9.0, "critical"), (7.0, "high"), (4.0, "medium"), (0.1, "low"))
_LEVELS = {"error": "high", "warning": "medium", "note": "low"}
SEVERITIES = ("critical", "high", "medium", "low", "none")


class MalformedReport(ValueError):
    """The file is no report in SARIF."""


def read_findings(path: Path) -> dict[str, int]:
    """How many findings there are of each severity; suppressed ones are none.

    OSError where the file cannot be read, MalformedReport where it is no SARIF.
    """
    if path.stat().st_size > MAX_BYTES:
        raise MalformedReport(f"it has more than {MAX_BYTES >> 20} MiB")
    counts = dict.fromkeys(SEVERITIES, 0)
    try:
        for run in json.loads(path.read_bytes())["runs"]:
            rules = _rules(run)
            for result in run.get("results") or ():
                if not result.get("suppressions"):
                    counts[_severity(result, rules)] += 1
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise MalformedReport("it is no SARIF") from error
    return counts


def _rules(run: dict[str, Any]) -> dict[str, dict[str, Any]]:
    tools = (run["tool"]["driver"], *(run["tool"].get("extensions") or ()))
    return {rule["id"]: rule for tool in tools for rule in tool.get("rules") or ()}


def _severity(result: dict[str, Any], rules: dict[str, dict[str, Any]]) -> str:
    rule = rules.get(result.get("ruleId") or (result.get("rule") or {}).get("id") or "", {})
    for properties in (result.get("properties") or {}, rule.get("properties") or {}):
        if (score := properties.get("security-severity")) is not None:
            return next((name for least, name in _SCORES if float(score) >= least), "none")
    # By SARIF's own default a result is a warning.
    level = result.get("level") or (rule.get("defaultConfiguration") or {}).get("level") or "warning"
    return _LEVELS.get(level, "none")
