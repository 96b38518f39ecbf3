"""Mergify's plugin for Jenkins: builds and their steps by OpenTelemetry's names, all of them as tasks."""

from otel_vsm import semconv
from otel_vsm_collector.spans.mappings.mapping import Attribute, Mapping
from otel_vsm_collector.spans.mappings.otel_vsm import convention_with

MAPPING = Mapping(
    name="Mergify",
    url="https://docs.mergify.com/",
    missing=(
        "Deployments: put the step's commands into `otel-vsm deploy`. A build is one stage: its steps are "
        "parts of it. The number of the pull request: builds are joined by commit."
    ),
    span_prefixes=("cicd.pipeline.task.scope",),
    columns=convention_with(service=(Attribute(semconv.SERVICE_NAME, "span"),)),
    dropped=(Attribute("cicd.pipeline.task.scope", "span", pattern="^(?P<value>step)$"),),
)
