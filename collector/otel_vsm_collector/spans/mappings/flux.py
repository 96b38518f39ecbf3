"""Flux: events of Kustomizations and HelmReleases, which its notification controller makes spans of."""

from otel_vsm import semconv
from otel_vsm_collector.spans.mappings.mapping import Attribute, Constant, Mapping, SpanName
from otel_vsm_collector.spans.mappings.otel_vsm import convention_with

_DEPLOYS = Attribute("object.kind", "span", pattern="^(?P<value>Kustomization|HelmRelease)$")
_NOT_YET = Attribute(
    "reason", "span", pattern="^(?P<value>Progressing|ProgressingWithRetry|DependencyNotReady)$"
)

MAPPING = Mapping(
    name="Flux",
    url="https://fluxcd.io/flux/components/notification/providers/",
    missing=(
        "The environment, without which it is no deployment: set `env` in the `eventMetadata` of the "
        "alert. When a deployment began: a span starts with the event that ended it. What the "
        "application was built from, where manifests are in a repository of their own."
    ),
    scopes=("flux:notification-controller",),
    columns=convention_with(
        revision=(Attribute("revision", "span", pattern="sha1:(?P<value>[0-9a-f]{40})"),),
        stage_name=(Constant("deploy"),),
        stage_type=(Constant("deploy"),),
        service=(Attribute("object.name", "span"),),
        version=(),
        environment=(Attribute(semconv.DEPLOYMENT_ENVIRONMENT_NAME), Attribute("env", "span")),
        artifact_hash=(Attribute("revision", "span", pattern="(?P<value>sha256:[0-9a-f]{64})"),),
    ),
    dropped=(SpanName(unless=(_DEPLOYS,)), _NOT_YET),
)
