"""By which keys a deployment finds the artifact that a package stage made.

The digest decides where both know one, since several builds may have a package URL in common; else that does.
"""

import ibis
import ibis.expr.types as ir
from ibis import ifelse

_DIGEST, _PACKAGE, _WITHOUT_DIGEST = "digest ", "package ", "package without digest "


def made(spans: ir.Table) -> tuple[ir.StringValue, ...]:
    """The keys of what package stages made; null where there is none."""
    digest, package = spans.artifact_hash, spans.artifact_purl
    undigested = ifelse(digest.isnull(), package, ibis.null("string"))
    return _key(_DIGEST, digest), _key(_PACKAGE, package), _key(_WITHOUT_DIGEST, undigested)


def deployed(spans: ir.Table) -> tuple[ir.StringValue, ...]:
    """The keys that runs of deployments look for; null where there is none."""
    digest, package = spans.artifact_hash, spans.artifact_purl
    by_package = ifelse(digest.isnull(), _key(_PACKAGE, package), _key(_WITHOUT_DIGEST, package))
    return _key(_DIGEST, digest), by_package


def _key(kind: str, name: ir.StringValue) -> ir.StringValue:
    return ibis.literal(kind).concat(name)
