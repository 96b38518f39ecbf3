"""Writes the dashboards to dashboards/grafana/.

`python -m dashboards.generate` writes, `python -m dashboards.generate --check` writes nothing and exits 1
where a file lags.
"""

import json
import sys
from collections.abc import Callable
from pathlib import Path

from grafana_foundation_sdk.builders.dashboard import Dashboard
from grafana_foundation_sdk.cog.encoder import JSONEncoder

from dashboards.debug import debug
from dashboards.delivery_team import delivery_team
from dashboards.executive import executive
from dashboards.on_call import on_call

GRAFANA = Path(__file__).parent / "grafana"
DASHBOARDS: dict[str, Callable[[], Dashboard]] = {
    "executive": executive,
    "on-call": on_call,
    "delivery-team": delivery_team,
    "debug": debug,
}
"""File → what is in it."""


def written(made: Dashboard) -> str:
    """As Grafana reads it; panels get numbers, which links to a panel need."""
    model = made.build()
    for number, panel in enumerate(model.panels or (), start=1):
        panel.id_val = number
    return json.dumps(model, cls=JSONEncoder, indent=2, sort_keys=True) + "\n"


def generate(arguments: list[str]) -> int:
    files = {GRAFANA / f"{name}.json": written(make()) for name, make in DASHBOARDS.items()}
    lagging = [path for path, text in files.items() if not path.is_file() or path.read_text() != text]
    if arguments == ["--check"]:
        for path in lagging:
            print(
                f"dashboards/grafana/{path.name} lags behind what it is generated from: run `make docs`.",
                file=sys.stderr,
            )
        return 1 if lagging else 0
    for path in lagging:
        path.write_text(files[path])
    return 0


if __name__ == "__main__":
    sys.exit(generate(sys.argv[1:]))
