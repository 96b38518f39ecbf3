"""The hook in one call, in processes of their own: as a service begins, forks workers, and is served."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from harness.factories import RunPython
from otel_vsm.testing import OtlpReceiver

CHANGE = "github.com/acme/shop#12"
SET_UP = """
import os, time
from otel_vsm import hook
hook.install()
hook.install()
from opentelemetry import trace
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
exporter = InMemorySpanExporter()
def told(count):
    deadline = time.monotonic() + 30
    while len(exporter.get_finished_spans()) < count and time.monotonic() < deadline:
        time.sleep(0.02)
    time.sleep(0.3)
    return [(span.name, span.attributes["vsm.change.id"], span.resource.attributes.get("vsm.change.id"))
            for span in exporter.get_finished_spans()]
def set_up():
    provider = TracerProvider(resource=Resource.create({"service.name": "shop"}))
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    trace.set_tracer_provider(provider)
"""
STARTED = ("service.started", CHANGE, CHANGE)


def test_a_process_tells_once_and_its_resource_has_the_change(run_python: RunPython) -> None:
    done = run_python(f"{SET_UP}\nset_up()\nprint(told(1))", OTEL_VSM_CHANGE_ID=CHANGE)
    assert done.stdout == f"{[STARTED]}\n", done.stderr


def test_an_sdk_that_is_set_up_late_is_waited_for(run_python: RunPython) -> None:
    done = run_python(f"{SET_UP}\ntime.sleep(0.5)\nset_up()\nprint(told(1))", OTEL_VSM_CHANGE_ID=CHANGE)
    assert done.stdout == f"{[STARTED]}\n", done.stderr


def test_each_forked_worker_tells_of_itself(run_python: RunPython) -> None:
    code = (
        f"{SET_UP}\nset_up()\ntold(1)\nexporter.clear()\n"
        "for _ in range(2):\n"
        "    if not os.fork():\n"
        "        print(told(1), flush=True)\n"
        "        os._exit(0)\n"
        "    os.wait()\n"
        "print(told(0))"
    )
    done = run_python(code, OTEL_VSM_CHANGE_ID=CHANGE)
    assert done.stdout == f"{[STARTED]}\n{[STARTED]}\n[]\n", done.stderr


def test_what_is_configured_besides_stays(run_python: RunPython) -> None:
    code = f"{SET_UP}\nprint(os.environ[hook.DETECTORS_VARIABLE])"
    assert run_python(code).stdout == "otel,otel_vsm\n"
    name = "OTEL_EXPERIMENTAL_RESOURCE_DETECTORS"
    assert run_python(code, **{name: "process"}).stdout == "process,otel_vsm\n"
    assert run_python(code, **{name: "otel_vsm, otel"}).stdout == "otel_vsm, otel\n"


def test_a_service_without_an_sdk_and_one_without_a_delivery_run_as_usual(run_python: RunPython) -> None:
    done = run_python("from otel_vsm import hook\nhook.install()\nprint('served')", OTEL_VSM_CHANGE_ID=CHANGE)
    assert (done.stdout, done.stderr) == ("served\n", "")
    done = run_python(f"{SET_UP}\nset_up()\nprint(told(0))")
    assert (done.stdout, done.stderr) == ("[]\n", "")


APPLICATION = """
from otel_vsm import hook
hook.install()
from opentelemetry import trace
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
provider = TracerProvider()
provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(), schedule_delay_millis=100))
trace.set_tracer_provider(provider)

async def application(scope, receive, send):
    if scope["type"] == "lifespan":
        while True:
            message = await receive()
            await send({"type": message["type"] + ".complete"})
            if message["type"] == "lifespan.shutdown":
                return
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"served"})

def wsgi(environ, start_response):
    start_response("200 OK", [])
    return [b"served"]
"""
SERVERS = {
    "uvicorn": ["-m", "uvicorn", "--workers", "2", "--port", "0", "shop:application"],
    "gunicorn": ["-m", "gunicorn", "--workers", "2", "--bind", "127.0.0.1:0", "shop:wsgi"],
    "gunicorn --preload": [
        "-m",
        "gunicorn",
        "--preload",
        "--workers",
        "2",
        "--bind",
        "127.0.0.1:0",
        "shop:wsgi",
    ],
}


@pytest.mark.parametrize(
    ("server", "processes"), [("uvicorn", 2), ("gunicorn", 2), ("gunicorn --preload", 3)]
)
def test_a_server_with_workers(
    server: str, processes: int, otlp_receiver: OtlpReceiver, tmp_path: Path
) -> None:
    """Each process that has the application in it tells once: two workers, and who loads it for them."""
    pytest.importorskip(server.split()[0])
    (tmp_path / "shop.py").write_text(APPLICATION)
    env = {
        **os.environ,
        **otlp_receiver.environment(),
        "OTEL_VSM_CHANGE_ID": CHANGE,
        "PYTHONPATH": os.pathsep.join(sys.path),
    }
    with subprocess.Popen(
        [sys.executable, *SERVERS[server]], cwd=tmp_path, env=env, stderr=subprocess.DEVNULL
    ) as served:
        try:
            records = otlp_receiver.wait_for(processes, timeout_s=30)
        finally:
            served.terminate()
    assert [record.name for record in records] == ["service.started"] * processes
