# Says in which folder otel-vsm is to be installed, and under which key that is cached; nothing where it is there.
if command -v otel-vsm >/dev/null; then
  exit 0
fi
python=$(python3 -c 'import sys; print("%d.%d" % sys.version_info[:2])' 2>/dev/null)
# The latest is looked for once a week.
version=${VSM_VERSION:-latest-$(date +%G-%V)}
{
  echo "folder=${RUNNER_TOOL_CACHE:-$HOME/.cache}/otel-vsm/$version-$python"
  echo "key=otel-vsm-$RUNNER_OS-$RUNNER_ARCH-$python-$version"
} >>"$GITHUB_OUTPUT"
