#!/bin/sh
# Prints the oldest and the newest Python at hand that the package supports, one a line: the interpreters themselves,
# not the shims of a version manager, which cost a tenth of a second each time.
for python in ${PYTHONS:-python3 python3.10 python3.11 python3.12 python3.13 python3.14 "$HOME"/.pyenv/versions/3.*/bin/python}; do
    "$python" -c '
import os, sys, venv, ensurepip
if sys.version_info >= (3, 10) and sys.implementation.name == "cpython":
    print("%d.%02d" % sys.version_info[:2], os.path.realpath(sys.executable))
' 2>/dev/null
done | sort -u -k1,1 | sed -n -e '1p' -e '$p' | sort -u | cut -d ' ' -f 2-
