#!/bin/sh
# First start of a workspace: a reckon.toml where there is none, the first build where there is none, then the server.
# Any other command than `serve` is passed on to reckon as it is.
set -eu

workspace="${RECKON_WORKSPACE:-/workspace}"
cd "$workspace"

if [ "${1:-serve}" != serve ]; then
    exec reckon "$@"
fi
[ "$#" -eq 0 ] || shift

if [ ! -e reckon.toml ]; then
    reckon init . --template "${RECKON_TEMPLATE:-demo}"
fi
if [ ! -e builds/current ]; then
    if grep -q '^\[\[source\]\]' reckon.toml; then
        reckon rebuild -w . --allow-rejects "${RECKON_ALLOW_REJECTS:-0}"
    else
        echo "reckon.toml names no [[source]] yet: put the shop's files into $workspace, name them there, and run \`reckon rebuild\`" >&2
    fi
fi
exec reckon serve -w . "$@"
