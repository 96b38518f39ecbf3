"""The wheel as users get it: built from the source distribution, installed into clean environments."""

import os
import subprocess
import sys
import venv
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import distributions
from pathlib import Path
from urllib.request import urlopen

import pytest

import otel_vsm
from otel_vsm.testing import OtlpReceiver
from otel_vsm_collector.compiled import PACKAGED

ROOT = Path(__file__).parents[2]
READY_WITHIN_S = 60


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel that comes out of the source distribution, so that neither can lack a file."""
    out = tmp_path_factory.mktemp("dist")
    run(sys.executable, "-m", "build", "--no-isolation", "--outdir", str(out), str(ROOT))
    assert len(list(out.glob("*.tar.gz"))) == 1
    (built,) = out.glob("*.whl")
    return built


@pytest.fixture(scope="module")
def constraints(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The versions that the other tests run with: nothing has to be downloaded a second time."""
    file = tmp_path_factory.mktemp("constraints") / "constraints.txt"
    names = {dist.name: dist.version for dist in distributions() if dist.name != "otel-vsm"}
    file.write_text("".join(f"{name}=={version}\n" for name, version in sorted(names.items())))
    return file


@pytest.fixture(scope="module")
def plain(wheel: Path, constraints: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the programs of an environment with `pip install otel-vsm`."""
    return install(tmp_path_factory.mktemp("plain"), str(wheel), constraints)


@pytest.fixture(scope="module")
def full(wheel: Path, constraints: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same with `pip install 'otel-vsm[collector]'`."""
    return install(tmp_path_factory.mktemp("full"), f"{wheel}[collector]", constraints)


def test_both_packages_with_their_types_and_data_are_in_the_wheel(wheel: Path) -> None:
    names = set(zipfile.ZipFile(wheel).namelist())
    for package in ("otel_vsm", "otel_vsm_collector"):
        assert {f"{package}/__init__.py", f"{package}/py.typed"} <= names
    tracked = run("git", "-C", str(ROOT), "ls-files", "otel_vsm", "collector/otel_vsm_collector").stdout
    expected = {file.removeprefix("collector/") for file in tracked.splitlines()}
    if not expected:
        pytest.skip("this checkout is no git repository, so there is no list of files to compare with")
    assert expected <= names
    assert {name.partition("/")[0] for name in names} == {
        "otel_vsm",
        "otel_vsm_collector",
        f"otel_vsm-{otel_vsm.__version__}.dist-info",
    }


def test_what_was_compiled_before_is_in_the_wheel(wheel: Path) -> None:
    made = {f"otel_vsm_collector/compiled/{file.name}" for file in PACKAGED.glob("*.json*")}
    if not made:
        pytest.skip("nothing was compiled: make compiled")
    assert made <= set(zipfile.ZipFile(wheel).namelist())


def test_version(plain: Path) -> None:
    assert otel_vsm.__version__ in run(str(plain / "otel-vsm"), "--version").stdout


def test_a_stage_without_endpoint_and_without_the_extra_exits_as_its_command_did(
    plain: Path, tmp_path: Path
) -> None:
    command = (str(plain / "otel-vsm"), "stage", "x", "--", "sh", "-c", "echo out; exit 3")
    done = run(*command, cwd=tmp_path, check=False)
    assert (done.returncode, done.stdout) == (3, "out\n")


def test_what_a_pipeline_installs_is_little(plain: Path) -> None:
    packages = (
        plain.parent / "lib" / f"python{sys.version_info.major}.{sys.version_info.minor}" / "site-packages"
    )
    names = [path.name for path in packages.glob("*.dist-info")]
    assert len(names) <= 8, names
    assert sum(path.stat().st_size for path in packages.rglob("*") if path.is_file()) <= 20e6


def test_grpc_without_its_extra_says_what_to_install_and_loses_nothing(plain: Path, tmp_path: Path) -> None:
    environment = {
        "OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:1",
        "OTEL_EXPORTER_OTLP_PROTOCOL": "grpc",
        "OTEL_VSM_STATE_DIR": str(tmp_path / "state"),
    }
    command = (str(plain / "otel-vsm"), "stage", "x", "--change", "a#1", "--", "sh", "-c", "exit 3")
    done = run(*command, cwd=tmp_path, check=False, environment=environment)
    assert done.returncode == 3
    assert done.stderr.count("pip install 'otel-vsm[grpc]'") == 1
    assert len(list((tmp_path / "state" / "spool").iterdir())) == 1


def test_what_a_pipeline_installs_can_send(plain: Path, tmp_path: Path, otlp_receiver: OtlpReceiver) -> None:
    command = (str(plain / "otel-vsm"), "stage", "x", "--", "true")
    done = run(*command, cwd=tmp_path, environment=otlp_receiver.environment())
    assert "could not" not in done.stderr
    assert otlp_receiver.records


def test_the_collector_without_the_extra_says_what_to_install(plain: Path, tmp_path: Path) -> None:
    done = run(str(plain / "otel-vsm"), "collector", cwd=tmp_path, check=False)
    assert done.returncode == 1
    assert "pip install 'otel-vsm[collector]'" in done.stderr
    assert "Traceback" not in done.stderr


def test_the_sdk_finds_the_resource_detector(full: Path, tmp_path: Path) -> None:
    code = (
        "from opentelemetry.sdk.resources import Resource;"
        "print(Resource.create({}).attributes['vsm.change.id'])"
    )
    environment = {
        "OTEL_EXPERIMENTAL_RESOURCE_DETECTORS": "otel_vsm",
        "OTEL_VSM_CHANGE_ID": "github.com/acme/shop#123",
    }
    done = run(str(full / "python"), "-c", code, cwd=tmp_path, environment=environment)
    assert done.stdout == "github.com/acme/shop#123\n"


def test_the_installed_collector_starts_and_is_ready(full: Path, tmp_path: Path) -> None:
    with collector(full / "otel-vsm", tmp_path) as web, urlopen(f"http://{web}/readyz", timeout=10) as answer:
        assert answer.status == 200


@contextmanager
def collector(program: Path, folder: Path) -> Iterator[str]:
    """A collector process; gives HOST:PORT of its web side once it says that it is ready."""
    any_port = "127.0.0.1:0"
    process = subprocess.Popen(
        [program, "collector", "--grpc", any_port, "--http", any_port, "--web", any_port, "--data", "data"],
        cwd=folder,
        env=clean_environment(),
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout
    try:
        lines = []
        while (line := process.stdout.readline()) and line != "ready\n":
            lines.append(line)
        assert line == "ready\n", f"the collector ended before it was ready; it said {lines}"
        yield next(line.split()[1] for line in lines if line.startswith("web "))
    finally:
        process.terminate()
        assert process.wait(READY_WITHIN_S) == 0
        process.stdout.close()


def install(folder: Path, requirement: str, constraints: Path) -> Path:
    venv.create(folder, with_pip=False)
    programs = folder / "bin"
    run(
        *(sys.executable, "-m", "pip", "--python", str(programs / "python"), "install", "--quiet"),
        *("--no-compile", "--disable-pip-version-check", "--constraint", str(constraints), requirement),
        environment=dict(os.environ),
    )
    return programs


def run(
    *command: str, cwd: Path | None = None, check: bool = True, environment: dict[str, str] | None = None
) -> "subprocess.CompletedProcess[str]":
    done = subprocess.run(
        command, cwd=cwd, env=clean_environment() | (environment or {}), capture_output=True, text=True
    )
    if check:
        assert done.returncode == 0, f"{' '.join(command)} exited with {done.returncode}:\n{done.stderr}"
    return done


def clean_environment() -> dict[str, str]:
    """Only what a program needs to be found and to run: no setting of the caller's shell or CI."""
    return {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
