# Runs VSM_RUN as the stage VSM_NAME, as a step of GitHub Actions runs it; without otel-vsm, all the same.
command=(bash --noprofile --norc -eo pipefail -c "$VSM_RUN")
options=()
[[ -z $VSM_TYPE ]] || options+=(--type "$VSM_TYPE")
[[ -z $VSM_SERVICE ]] || options+=(--service "$VSM_SERVICE")
[[ -z $VSM_LEG ]] || options+=(--leg "$VSM_LEG")
wrapper=(otel-vsm stage "$VSM_NAME" "${options[@]}" --)
if ! command -v otel-vsm >/dev/null; then
  echo "::warning title=otel-vsm::is not installed, so the stage $VSM_NAME is not told: add the set-up action"
  wrapper=()
fi
unset VSM_NAME VSM_RUN VSM_TYPE VSM_SERVICE VSM_LEG
exec "${wrapper[@]}" "${command[@]}"
