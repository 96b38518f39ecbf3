"""What a scenario tells and expects, in words: a line for each event, a line for each thing that follows."""

import re
from collections.abc import Iterator
from typing import Any

REPOSITORY = "github.com/acme/shop"
"""Of all that names no other, as are the service shop and the environment production."""
_UNITS = ((86_400, "d"), (3_600, "h"), (60, "min"))
_HASH = re.compile(r"\b([0-9a-fA-F]{7})[0-9a-fA-F]{33,}\b")
_LABELS = {
    "p50": "median",
    "max": "longest",
    "wip": "WIP",
    "environment": "in",
    "service": "of",
    "actor_type": "by",
}
_SHARES = ("ratio", "share", "yield", "accurate", "efficiency")
_STATISTIC = ("mean", "p50", "p75", "p90", "p95", "max")
_TABLES = ("figures", "flow", "stages", "legs", "delivery", "change", "deployment", "incident", "stage_run")
_ABSENT = {
    "change": "is no change of its own",
    "delivery": "is not delivered",
    "deployment": "is no deployment",
    "incident": "is no incident",
    "stage_run": "did not run",
}
# Only that spans differ is meant by these.
_TECHNICAL = {"at", "for", "span_id"}


def when(offset: str | int) -> str:
    """An offset with room between its units."""
    return re.sub(r"(?<=[dhms])(?=\d)", " ", str(offset))


def change(name: str | int) -> str:
    """A change as people call it: by its number, where the repository is the one that is meant anyway."""
    text = _short(name)
    return text if "/" in text or text.startswith("@") else f"#{text}"


def _short(name: object) -> str:
    return _HASH.sub(r"\1…", str(name)).removeprefix("github.com/")


def happened(event: dict[str, Any]) -> str:
    """An event without its time."""
    if "otlp" in event:
        return _sent(event)
    told = dict(event)
    result = told.pop("result", None)
    of = change(told.pop("change")) if "change" in told else None
    name = str(told.pop("event", "")).removeprefix("change.").replace(".", " ").replace("_", " ")
    links = [str(link) for link in told.pop("links", [])]
    if "retract" in told:
        head = f"taken back: {told.pop('retract')}"
    elif "incident" in told:
        head = f"incident {told.pop('incident')} {name}"
        told |= {"names": told.pop("deployment")} if "deployment" in told else {}
        told |= {"links to": ", ".join(links)} if links else {}
    else:
        told |= {"with": ", ".join(change(link) for link in links)} if links else {}
        if name and "work_item" in told:
            head = f"work item {told.pop('work_item')} {name}"
        elif name:
            head = f"{of} {name}" if of else name
        elif "deploy" in told:
            kind = told.pop("kind", "deployment")
            head = f"{kind} {told.pop('deploy')}" + (f" of {of}" if of else "")
        else:
            stage = told.pop("stage")
            head = f"{of} {stage}" if of else f"{stage} of nobody known"
    rest = [part for key, value in told.items() if key not in _TECHNICAL for part in _detail(key, value)]
    lasted = [f"took {when(event['for'])}"] if "for" in event else []
    return ", ".join((head, *rest, *lasted)) + (f": {result}" if result else "")


def _sent(event: dict[str, Any]) -> str:
    """An OTLP span, with what tells of it and of its resource."""
    parts = [f"span {event['otlp']}"]
    for key, label in (("scope", "of scope"), ("trace", "of trace"), ("parent", "below")):
        if (name := event.get(key)) is not None:
            parts.append(f"{label} {change(name) if isinstance(name, int) else name}")
    parts += [f"linked to {', '.join(map(str, event['links']))}"] if "links" in event else []
    parts += [f"took {when(event['for'])}"] if "for" in event else []
    parts += [f"{key} = {value}" for key, value in event.get("attributes", {}).items()]
    parts += [f"resource {key} = {value}" for key, value in event.get("resource", {}).items()]
    return ", ".join(parts) + (f": {event['status']}" if "status" in event else "")


def _detail(key: str, value: Any) -> Iterator[str]:
    label = _label(key)
    if value is None:
        yield f"no {key.replace('_', ' ')}"
    elif key == "reverts":
        names = (name.removeprefix(REPOSITORY).removeprefix("#") for name in str(value).split("\n"))
        yield f"reverts {' and '.join(map(change, names))}"
    elif key == "request":
        yield f"request #{value}"
    else:
        yield f"{label} {_short(value)}"


def asked(question: dict[str, Any]) -> str:
    """What is asked for, after which what follows stands."""
    words = {
        "profile": "by the profile {}",
        "environment": "in {}",
        "service": "of the service {}",
        "time_zone": "in the time zone {}",
        "step": "each {}",
    }
    parts = []
    for key, value in question.items():
        if key == "window":
            parts.append(f"from {when(value[0])} to {when(value[1])}")
        elif value is None:
            parts.append(f"in every {key}")
        else:
            parts.append(words.get(key, f"of the {key.replace('_', ' ')} {{}}").format(value))
    return ", ".join(parts)


def follows(expect: dict[str, Any]) -> Iterator[str]:
    """What has to follow, a line each."""
    for deployment, changes in expect.get("carried", {}).items():
        yield f"{deployment} carries {', '.join(map(change, changes)) or 'nothing'}"
    for number, figures in enumerate(expect.get("series", []), start=1):
        for name, parts in figures.items():
            yield f"{number}. {_named(name, parts)}"
    for name, row in expect.get("identity", {}).items():
        yield f"{change(name)}: {_row(row)}"
    for table in _TABLES:
        for name, row in expect.get(table, {}).items():
            told = change(name) if table in ("change", "delivery", "legs") else str(name)
            if table in ("figures", "flow"):
                yield _named(name, row)
            else:
                yield f"{told} {_ABSENT[table]}" if row is None else f"{told}: {_row(row)}"


def _named(key: str, value: Any) -> str:
    if isinstance(value, dict):
        return f"{_label(key)}: {_row(value)}"
    if isinstance(value, list) and value and isinstance(value[0], dict):
        return f"{_label(key)}: {'; '.join(_row(row) for row in value)}"
    return _part(key, value)


def _row(row: dict[str, Any]) -> str:
    return ", ".join(_inner(key, value) for key, value in row.items())


def _inner(key: str, value: Any) -> str:
    if isinstance(value, dict):
        return f"{_label(key)} ({_row(value)})"
    if isinstance(value, list) and value and isinstance(value[0], dict):
        return f"{_label(key)} ({'; '.join(_row(row) for row in value)})"
    return _part(key, value)


def _part(key: str, value: Any) -> str:
    """A figure or a column with its value."""
    label = _label(key)
    if value is None or value == []:
        return f"no {key.replace('_', ' ') if label in ('by', 'in', 'of') else label}"
    if isinstance(value, bool):
        return label if value else f"not {label}"
    if key == "count":
        return {0: "no value", 1: "1 value"}.get(value, f"{value} values")
    if key.endswith("_at"):
        return f"{label} at {when(value)}"
    if key.endswith("_s") or key in _STATISTIC:
        return f"{label} {_length(value)}"
    if key.endswith(_SHARES):
        return f"{label} {100 * value:.3g} %"
    if isinstance(value, float):
        return f"{label} {value:.3g}"
    if key == "id":
        return change(str(value).removeprefix(REPOSITORY).removeprefix("#"))
    return f"{label} {', '.join(map(str, value)) if isinstance(value, list) else value}"


def _length(seconds: float) -> str:
    """1 d 2 h 3 min 4 s."""
    rest, parts = seconds, []
    for size, unit in _UNITS:
        whole, rest = divmod(rest, size)
        parts += [f"{whole:.0f} {unit}"] if whole else []
    return " ".join(parts + ([f"{rest:g} s"] if rest or not parts else []))


def _label(key: str) -> str:
    return _LABELS.get(key) or re.sub(r"(_s|_at|_id)$", "", key).replace("_", " ")
