#!/bin/sh
# Installs programs that are missing, as root on a Debian; elsewhere it says what will be skipped. None is started as a service.
#
#   install.sh PROGRAM:PACKAGE…
set -eu
missing=
for pair in "$@"; do
    command -v "${pair%%:*}" >/dev/null || missing="$missing ${pair#*:}"
done
[ -n "$missing" ] || exit 0
if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then
    echo "not installed, and therefore skipped:$missing"
    exit 0
fi
echo "installing with apt-get:$missing"
apt-get update -qq
# Run level 1: packages that are installed there do not start their services.
# shellcheck disable=SC2086
RUNLEVEL=1 DEBIAN_FRONTEND=noninteractive apt-get install -qq --yes --no-install-recommends $missing >/dev/null
