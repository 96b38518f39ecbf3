#!/bin/sh
# Applies a plan as a deployment, and does not tell of one that changes nothing.
# Usage: apply.sh SERVICE ENVIRONMENT [TERRAFORM-OPTIONS...]. TERRAFORM names the program: terraform, tofu.
service=$1 environment=$2
shift 2
plan=$(mktemp)
trap 'rm -f "$plan"' EXIT
"${TERRAFORM:-terraform}" plan -input=false -detailed-exitcode -out="$plan" "$@"
case $? in
  0) echo "nothing changes, so nothing is deployed" >&2 ;;
  2)
    if command -v otel-vsm >/dev/null; then
      otel-vsm deploy --service "$service" --environment "$environment" -- \
        "${TERRAFORM:-terraform}" apply -input=false "$plan"
    else
      "${TERRAFORM:-terraform}" apply -input=false "$plan"
    fi
    ;;
  *) exit 1 ;;
esac
