"""The files that `docker compose` starts everything with: that they are valid and agree with each other."""

import json
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from demo.fill import main as fill
from harness.prometheus import program
from otel_vsm.testing import OtlpReceiver

COMPOSE = Path(__file__).parents[2] / "dashboards/compose"
SERVICES: dict[str, Any] = yaml.safe_load((COMPOSE / "compose.yaml").read_text())["services"]


def mounted(service: str) -> dict[str, Path]:
    """Path in the container → file or folder here."""
    pairs = (volume.split(":") for volume in SERVICES[service].get("volumes", ()))
    return {target: (COMPOSE / source).resolve() for source, target, *_ in pairs if source.startswith(".")}


def read(*path: str) -> Any:
    return yaml.safe_load(COMPOSE.joinpath(*path).read_text())


def test_compose_knows_every_key() -> None:
    command = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", "vendor.compose-spec"]
    done = subprocess.run([*command, COMPOSE / "compose.yaml"], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("service", SERVICES)
def test_what_is_mounted_is_there_and_no_port_is_open_to_others(service: str) -> None:
    assert all(path.exists() for path in mounted(service).values())
    assert all(port.startswith("127.0.0.1:") for port in SERVICES[service].get("ports", ()))


def test_the_image_has_what_it_is_made_of() -> None:
    copied = [
        word
        for line in (COMPOSE / "Dockerfile").read_text().splitlines()
        if line.startswith("COPY ")
        for word in shlex.split(line)[1:-1]
    ]
    assert copied and all((COMPOSE.parents[1] / name).exists() for name in copied)


def test_the_collector_takes_its_options() -> None:
    arguments = [
        argument.replace(target, str(path))
        for argument in SERVICES["collector"]["command"]
        for target, path in [*mounted("collector").items()]
    ]
    command = [sys.executable, "-m", "otel_vsm", *arguments, "--check"]
    done = subprocess.run(command, capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (0, "ok\n"), done.stderr


def test_prometheus_takes_its_configuration_and_scrapes_the_collector_by_an_allowed_name() -> None:
    config = COMPOSE / "prometheus.yml"
    done = subprocess.run([program("promtool"), "check", "config", config], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    (job,) = read("prometheus.yml")["scrape_configs"]
    host, _, port = job["static_configs"][0]["targets"][0].partition(":")
    command = SERVICES["collector"]["command"]
    assert f"--allowed-host={host}" in command
    assert f"--web=0.0.0.0:{port}" in command


def test_alerts_reach_alertmanager_which_takes_its_configuration() -> None:
    config = COMPOSE / "alertmanager.yml"
    amtool = program("amtool", "prometheus-alertmanager")
    done = subprocess.run([amtool, "check-config", config], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    (manager,) = read("prometheus.yml")["alerting"]["alertmanagers"]
    host, _, _ = manager["static_configs"][0]["targets"][0].partition(":")
    assert mounted(host)["/etc/alertmanager/alertmanager.yml"] == config

    def chosen(severity: str) -> str:
        command = [amtool, "config", "routes", "test", f"--config.file={config}", f"severity={severity}"]
        return subprocess.run(command, capture_output=True, text=True).stdout.strip()

    assert (chosen("page"), chosen("ticket")) == ("pages", "tickets")


def test_grafana_gets_the_dashboards_and_the_sources_that_they_name() -> None:
    places = mounted("grafana")
    (provider,) = read("provisioning", "dashboards", "otel-vsm.yaml")["providers"]
    folder = places[provider["options"]["path"]]
    home = SERVICES["grafana"]["environment"]["GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH"]
    assert (folder / Path(home).name).is_file()
    kinds = {
        variable["query"]
        for path in folder.glob("*.json")
        for variable in json.loads(path.read_text())["templating"]["list"]
        if variable["type"] == "datasource"
    }
    sources = read("provisioning", "datasources", "otel-vsm.yaml")["datasources"]
    assert kinds <= {source["type"] for source in sources}
    destinations = sources[0]["jsonData"]["exemplarTraceIdDestinations"]
    assert {one["datasourceUid"] for one in destinations} <= {source["uid"] for source in sources}
    for source in sources:
        assert source["url"].removeprefix("http://").partition(":")[0] in SERVICES


def test_spans_reach_the_collector_and_jaeger() -> None:
    config = read("otelcol.yaml")
    used = config["service"]["pipelines"]["traces"]["exporters"]
    hosts = {config["exporters"][name]["endpoint"].partition(":")[0] for name in used}
    assert hosts == {"collector", "jaeger"} <= SERVICES.keys()


def test_the_demo_fills_what_the_environment_names(
    otlp_receiver: OtlpReceiver, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name, value in otlp_receiver.environment().items():
        monkeypatch.setenv(name, value)
    assert fill() == 0
    assert f"{len(otlp_receiver.spans)} spans" in capsys.readouterr().out
    assert len(otlp_receiver.spans) > 1000
