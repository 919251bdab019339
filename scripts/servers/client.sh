#!/bin/sh
# One command-line client of a real server: waits at the gate (a line on stdin), uses the server until the next line.
command=$1 name=$2

echo waiting
read -r _
exec "$command" run "$name" --quiet -- sh -c "
    printf '{\"url\":\"%s\"}\n' \"\$SPAWNLOCK_$(echo "$name" | tr '[:lower:]' '[:upper:]')_URL\"
    read -r _"
