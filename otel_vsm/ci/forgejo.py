"""Forgejo Actions, which are as Gitea's: https://forgejo.org/docs/latest/user/actions/reference/"""

from otel_vsm import semconv
from otel_vsm.ci import gitea
from otel_vsm.ci.source import Text

SYSTEM = gitea.SYSTEM._replace(
    name="Forgejo Actions",
    attributes={**gitea.SYSTEM.attributes, semconv.VCS_PROVIDER_NAME: Text("forgejo")},
)
