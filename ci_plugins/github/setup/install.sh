# Installs otel-vsm into VSM_FOLDER, if that is said and it is not there, and says where telemetry goes.
# A job must not fail because of its telemetry.
if [[ -n $VSM_FOLDER ]]; then
  if [[ ! -x $VSM_FOLDER/bin/otel-vsm ]]; then
    { python3 -m venv --clear "$VSM_FOLDER" &&
      "$VSM_FOLDER/bin/python" -m pip install --quiet --disable-pip-version-check \
        "otel-vsm${VSM_VERSION:+==$VSM_VERSION}" &&
      "$VSM_FOLDER/bin/otel-vsm" --version; } >&2 || {
      echo "::warning title=otel-vsm::could not be installed (it needs Python 3.11 or newer); the job goes on without it"
      rm -rf "$VSM_FOLDER"
      exit 0
    }
  fi
  echo "$VSM_FOLDER/bin" >>"$GITHUB_PATH"
fi

# A line break in a value would be a variable of its own.
say() { [[ -z $2 ]] || printf '%s=%s\n' "$1" "${2//[$'\r\n']/}" >>"$GITHUB_ENV"; }
say OTEL_EXPORTER_OTLP_ENDPOINT "$VSM_ENDPOINT"
say OTEL_EXPORTER_OTLP_HEADERS "$VSM_HEADERS"
if [[ -z $VSM_LEG && $VSM_MATRIX == \{* ]]; then
  # As GitHub writes them behind the name of the job.
  VSM_LEG=$(python3 -c '
import json, os
values = json.loads(os.environ["VSM_MATRIX"]).values()
print(*(value if isinstance(value, str) else json.dumps(value) for value in values), sep=", ")' || true)
fi
say OTEL_VSM_LEG "$VSM_LEG"
exit 0
