#!/bin/sh
# Tells of the deployment that the step has made. Never fails it.
if [ -z "${SERVICE:-}" ] || [ -z "${ENVIRONMENT:-}" ]; then
  echo "otel-vsm: the pipe needs SERVICE and ENVIRONMENT, so no deployment is told" >&2
  exit 0
fi
otel-vsm deploy --service "$SERVICE" --environment "$ENVIRONMENT" ${VERSION:+--version "$VERSION"} \
  ${ARTIFACT:+--artifact "$ARTIFACT"} || echo "otel-vsm: the deployment was not told" >&2
