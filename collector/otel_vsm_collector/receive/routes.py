"""What is at which path of the address that takes telemetry by HTTP."""

from starlette.types import ASGIApp, Receive, Scope, Send

from otel_vsm_collector.receive.webhooks.http import EVENTS, WEBHOOKS


class Routes:
    """`webhooks` takes webhooks and CDEvents, `otlp` everything else."""

    def __init__(self, otlp: ASGIApp, webhooks: ASGIApp) -> None:
        self._otlp, self._webhooks = otlp, webhooks

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        path = scope.get("path", "")
        is_webhook = path == EVENTS or path.startswith(WEBHOOKS)
        await (self._webhooks if is_webhook else self._otlp)(scope, receive, send)
