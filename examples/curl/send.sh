#!/bin/sh
# Sends first-trace.json with curl, as a new trace that happens now. ENDPOINT is the gateway's base URL; KEY is needed only
# where the gateway asks for one.
set -eu
cd "$(dirname "$0")"

trace_id=$(od -An -N16 -tx1 /dev/urandom | tr -d ' \n')
sed -e "s/3c1a5e0f7b924d6c8a90b1c2d3e4f506/$trace_id/" -e "s/\"1767225600/\"$(date +%s)/" first-trace.json |
  curl --silent --show-error --fail-with-body \
    --header 'Content-Type: application/json' ${KEY:+--header "Authorization: Bearer $KEY"} \
    --data-binary @- "${ENDPOINT:-http://127.0.0.1:4318}/v1/traces"
echo
echo "trace $trace_id"
