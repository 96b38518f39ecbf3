"""Value stream management that is OpenTelemetry-native.

Importing this package costs nothing: what needs the OpenTelemetry SDK is imported when it is first asked for.
"""

__version__ = "0.1.0"
