#!/bin/sh
# One command-line client of the demo: waits at the gate (a line on stdin), then becomes the command.
command=$1 name=$2 ready=$3 state_dir=$4 shell=$5

echo waiting
read -r _
exec "$command" ensure "$name" --ready "$ready" --state-dir "$state_dir" --shell "$shell" --json --quiet
