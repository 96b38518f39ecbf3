"""Value stream management that is OpenTelemetry-native.

For a service's code there are two calls: `resource_attributes` and `service_started`. Importing this package
costs nothing: what needs the OpenTelemetry SDK is imported when it is first asked for.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from otel_vsm.resource import resource_attributes
    from otel_vsm.startup import service_started

__version__ = "0.1.0"
__all__ = ["__version__", "resource_attributes", "service_started"]

# Hidden from type checkers, for which it would make every name a known one.
if not TYPE_CHECKING:

    def __getattr__(name: str) -> Any:
        if name == "resource_attributes":
            from otel_vsm.resource import resource_attributes

            return resource_attributes
        if name == "service_started":
            from otel_vsm.startup import service_started

            return service_started
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
