#!/bin/sh
# Runs the Python tests with a built wheel, on the oldest and the newest interpreter at hand, each in a fresh environment.
#
#   scripts/test-python.sh WHEEL
set -eu
wheel=$1

failed=0
for python in $(scripts/interpreters.sh); do
    version=$("$python" -c 'import sys; print("%d.%d.%d" % sys.version_info[:3])')
    venv=build/venv-$version
    echo "── Python $version"
    [ -x "$venv/bin/python" ] || "$python" -m venv "$venv"
    "$venv/bin/python" -m pip install --quiet "$wheel[test]"
    "$venv/bin/python" -m pip install --quiet --force-reinstall --no-deps "$wheel"
    "$venv/bin/python" -m pytest || failed=1
done
exit $failed
