# Calls otel-vsm jobs with a line of VSM_STAGES and VSM_WRAPPED for each option. Never fails.
options=()
while IFS= read -r line; do [[ -z $line ]] || options+=(--stage "$line"); done <<<"$VSM_STAGES"
while IFS= read -r line; do [[ -z $line ]] || options+=(--wrapped "$line"); done <<<"$VSM_WRAPPED"
otel-vsm jobs "${options[@]}" || echo "::warning title=otel-vsm::the jobs of this run were not told"
