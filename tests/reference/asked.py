"""What is asked of random worlds: by which settings, which profiles, which windows and filters."""

from random import Random
from typing import Any, get_args

from hypothesis import strategies as st

from otel_vsm_collector.declared.model import Declared
from otel_vsm_collector.declared.profiles import BUILT_IN, Profile
from scenarios.offsets import BEGIN_NS
from scenarios.question import Question

HOUR_NS = 3600 * 10**9
# The first and the last are on the other side of a change of clocks.
_EDGES = (-1700, -1000, 0, 1, 3, 5, 8, 24, 25, 48, 75, 80, 1000, 2200)


def declarations(worlds: int) -> tuple[Declared, Declared]:
    """Nothing but classes of environments; and as much as worlds side by side can share."""
    environments = {"production": ["production", "prod", "prod-*"]}
    numbers = range(worlds)
    services = {
        f"{name}-{number}": {"repository": f"github.com/acme/{name}-{number}", "team": team}
        for number in numbers
        for name, team in (("shop", "red"), ("cart", "green"))
    }
    rich: dict[str, Any] = {
        "environments": environments,
        "stages": {"e2e": {"type": "test", "quarantined": True}, "l?nt": {"type": "package", "team": "blue"}},
        "services": services,
        "teams": {name: {} for name in ("red", "blue", "green")},
        # Of every second world both services are one project.
        "value_streams": {
            **{
                f"stream-{number}": {"systems": [f"shop-{number}", f"cart-{number}"]}
                for number in numbers[::2]
            },
            "reds": {"teams": ["red"]},
            "tested": {"stages": ["b*", "test"], "teams": ["green", "blue"]},
            "checkout": {
                "systems": ["shop-1"],
                "repositories": ["github.com/acme/cart-0"],
                "teams": ["red"],
                "stages": ["build", "deploy"],
            },
        },
        "limits": {"approval_wait": "2h", "unfinished_after": "4h"},
    }
    return Declared.model_validate({"environments": environments}), Declared.model_validate(rich)


def _some(setting: str) -> st.SearchStrategy[Any]:
    starts = ["work_item.created", "change.opened", "change.merged", "change.first_commit", "span"]
    methods = ["incident_link", "rollback", "hotfix", "incident_window"]
    mappings = ["links", "ancestry", "revision", "artifact", "time"]
    choices: dict[str, st.SearchStrategy[Any]] = {
        "lead_time_start": st.lists(st.sampled_from(starts), min_size=1, unique=True),
        "mapping": st.one_of(st.just(mappings), st.lists(st.sampled_from(mappings), min_size=1, unique=True)),
        "failure_methods": st.lists(st.sampled_from(methods), unique=True),
        "incident_window_s": st.sampled_from([None, 3600.0, 72 * 3600.0]),
        "incident_severities": st.sampled_from([None, ["critical", "high"]]),
    }
    if setting in choices:
        return choices[setting]
    return st.sampled_from(get_args(Profile.model_fields[setting].annotation))


own_profiles: st.SearchStrategy[Profile] = st.fixed_dictionaries(
    {name: _some(name) for name in Profile.model_fields}
).map(Profile.model_validate)


def profiles(own: list[Profile], random: Random) -> list[Profile]:
    """The built-in ones, and one of the random ones."""
    return [*BUILT_IN.values(), random.choice(own)]


def questions(worlds: int, random: Random) -> list[Question]:
    """All of time in production; and two of the others, in random windows."""
    number = random.randrange(worlds)
    kinds: list[dict[str, Any]] = [
        {"environment": "staging", "team": "red"},
        {"environment": None, "value_stream": "search", "severity": "high"},
        {"environment": "prod-eu", "time_zone": "America/New_York"},
        {"service": f"shop-{number}"},
        {"repository": f"github.com/acme/shop-{number}", "time_zone": "Asia/Kathmandu"},
        {"value_stream": f"stream-{number // 2 * 2}", "time_zone": "Europe/Berlin"},
        {"value_stream": random.choice(["reds", "tested", "checkout"]), "environment": "production"},
        {"service": f"cart-{number}", "repository": f"github.com/acme/cart-{number}"},
        {},
    ]
    asked = [Question(from_ns=BEGIN_NS - 1000 * HOUR_NS, to_ns=BEGIN_NS + 1000 * HOUR_NS)]
    for kind in random.sample(kinds, 2):
        start, end = sorted(random.sample(_EDGES, 2))
        asked.append(Question(from_ns=BEGIN_NS + start * HOUR_NS, to_ns=BEGIN_NS + end * HOUR_NS, **kind))
    return asked
