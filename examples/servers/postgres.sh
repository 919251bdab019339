#!/bin/sh
# A PostgreSQL of this directory, at a port of 127.0.0.1; its data are made at its first start and kept.
#
#   postgres.sh PORT
set -eu
port=$1 data=$PWD/data/postgres
PATH=$PATH:$(pg_config --bindir 2>/dev/null || ls -d /usr/lib/postgresql/*/bin | tail -n 1)

# It refuses to run as root.
as=
if [ "$(id -u)" = 0 ]; then
    as='setpriv --reuid=postgres --regid=postgres --init-groups'
    install -d -o postgres -g postgres -m 700 "$data"
else
    mkdir -p "$data"
fi
[ -e "$data/PG_VERSION" ] || $as initdb -D "$data" --auth=trust --username=postgres --no-sync --no-instructions
# fsync is for data that must outlive the machine.
exec $as postgres -D "$data" -p "$port" -c listen_addresses=127.0.0.1 -c unix_socket_directories= -c fsync=off
