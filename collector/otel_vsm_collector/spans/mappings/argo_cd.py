"""Argo CD: syncs of applications. What is deployed is said by a child of a sync, in its trace."""

from otel_vsm_collector.spans.mappings.mapping import Attribute, Constant, Mapping, SpanName
from otel_vsm_collector.spans.mappings.otel_vsm import convention_with

_SYNC = SpanName(pattern="(?P<value>SyncAppState)$")

MAPPING = Mapping(
    name="Argo CD",
    url="https://argo-cd.readthedocs.io/en/stable/operator-manual/",
    missing=(
        "The environment, without which a sync is no deployment: set `deployment.environment.name` in "
        "`OTEL_RESOURCE_ATTRIBUTES` of the controller. What the application was built from, where "
        "manifests are in a repository of their own: a deployment then carries that repository's "
        "changes."
    ),
    span_prefixes=("argocd.",),
    columns=convention_with(
        repository=(Attribute("argocd.source.repo_url", "span"),),
        revision=(Attribute("argocd.resolved_revision", "span"),),
        stage_name=(Constant("deploy", where=(_SYNC,)),),
        stage_type=(Constant("deploy", where=(_SYNC,)),),
        # The resource's is Argo CD itself.
        service=(Attribute("argocd.app.name", "span"),),
        version=(),
    ),
    # It compares what runs with what should, every few minutes.
    dropped=(SpanName(unless=(_SYNC, Attribute("argocd.resolved_revision", "span"))),),
)
