"""`make demo`: a collector, and three ways to fill it.

A real pipeline through the wrappers, the history of this project, and ninety days that are made up.
"""

import os
import shlex
import signal
import sys
import tempfile
import textwrap
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from demo.acme import SERVICES
from demo.findings import WINDOW, findings
from demo.history import DAYS, generate
from demo.pipeline import Pipeline, StepFailedError, clean_environment, run
from demo.service import Collector, CollectorError, collector
from demo.spans import spans_of
from otel_vsm.export import ExportError, export_all

PROJECT = Path(__file__).parents[1]
ENDPOINT = "OTEL_EXPORTER_OTLP_ENDPOINT"


def main() -> int:
    ends_by_itself = os.environ.get("CI", "").lower() == "true"
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    try:
        with tempfile.TemporaryDirectory(prefix="otel-vsm-demo-") as name:
            folder = Path(name)
            # What the user's own wrappers could not send yet must not end up in this collector.
            isolated = {**clean_environment(), "OTEL_VSM_STATE_DIR": str(folder / "state")}
            with collector(folder, isolated) as running, exporting_to(running, isolated) as environment:
                show(running, folder, environment)
                if not ends_by_itself:
                    print("\n  It runs until you press Ctrl-C.", flush=True)
                    running.process.wait()
                    print("The collector has ended.", file=sys.stderr)
                    return 1
    except KeyboardInterrupt:
        print()
    except (StepFailedError, CollectorError, ExportError, OSError) as error:
        print(f"\nThe demo could not go on. {error}", file=sys.stderr)
        return 1
    return 0


@contextmanager
def exporting_to(running: Collector, environment: Mapping[str, str]) -> Iterator[dict[str, str]]:
    """The environment with the collector's endpoint, for processes and for this one."""
    exporting = {**environment, ENDPOINT: f"http://{running.http}"}
    original = dict(os.environ)
    os.environ.clear()
    os.environ.update(exporting)
    try:
        yield exporting
    finally:
        os.environ.clear()
        os.environ.update(original)


def show(running: Collector, folder: Path, environment: Mapping[str, str]) -> None:
    heading("A collector")
    print(f"  It takes OTLP over HTTP at {running.http} and over gRPC at {running.grpc}.")
    print(f"  It keeps what it takes in {running.data} until the demo ends.")

    heading("A pipeline, through the wrappers")
    checkout = folder / "greeter"
    checkout.mkdir()
    Pipeline(checkout, environment).play()

    heading("The history of this project")
    print(backfill(environment))

    heading(f"{DAYS} days of a small company, made up")
    history = generate(datetime.now(UTC))
    spans = spans_of(history)
    export_all(spans.records)
    running.wait_until_derived()
    teams = {service.team for service in SERVICES}
    print(f"  {len(SERVICES)} services, {len(teams)} teams, {len(history.changes)} changes.")
    print(f"  {len(spans.records)} spans, of which {spans.late} came late and {spans.duplicates} twice.")

    heading(f"The figures of {DAYS} days")
    report = ("otel-vsm", "report", "--url", f"http://{running.web}", "--window", WINDOW)
    print(indented(run(*report, cwd=PROJECT, environment=environment)))

    heading("What to look at")
    for finding in findings(running.web):
        print(f"  - {finding}")

    heading("Where")
    print(f"  page     http://{running.web}/?window={WINDOW}")
    print(f"  API      http://{running.web}/api/v1/dora?window={WINDOW}&service=shop")
    print(f"  metrics  http://{running.web}/metrics")


def backfill(environment: Mapping[str, str]) -> str:
    """What the command says of the checkout that the demo lies in, if there is a history to read."""
    if not (PROJECT / ".git").exists():
        return "  There is none here: this is no git repository. In a clone, its history would be shown."
    try:
        run("git", "rev-parse", "--verify", "HEAD", cwd=PROJECT, environment=environment)
    except StepFailedError as error:
        return f"  It cannot be read: {error}"
    # Without the second, all that was ever merged would be work in progress.
    commands = (
        ("otel-vsm", "backfill", "git", ".", "--service", "otel-vsm"),
        ("otel-vsm", "deploy", "--service", "otel-vsm", "--environment", "production"),
    )
    return indented(
        "\n".join(
            f"$ {shlex.join(command)}\n{run(*command, cwd=PROJECT, environment=environment)}"
            for command in commands
        )
    )


def indented(text: str) -> str:
    return textwrap.indent(text.rstrip("\n"), "  ")


def heading(text: str) -> None:
    print(f"\n{text}\n{'-' * len(text)}", flush=True)


if __name__ == "__main__":
    sys.exit(main())
