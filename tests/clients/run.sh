#!/bin/sh
# Runs the clients of other languages against a running `ruad engine`.
#
# Usage: run.sh HOST PORT FOLDER, with CLICKHOUSE_USER and CLICKHOUSE_PASSWORD in the environment
#
# FOLDER keeps the Python environment between runs; it is made there the first time, which needs the package index.
set -eu

host=$1 port=$2 folder=$3
here=$(cd "$(dirname "$0")" && pwd)
# What is installed; another version makes another environment.
driver=1.12.0
environment=$folder/clickhouse-connect-$driver

command -v python3 >/dev/null || {
    echo "run.sh: python3 is needed for the test with clickhouse-connect" >&2
    exit 1
}
if [ ! -e "$environment/ready" ]; then
    rm -rf "$environment"
    python3 -m venv "$environment"
    "$environment/bin/pip" install --quiet --disable-pip-version-check "clickhouse-connect==$driver"
    touch "$environment/ready"
fi
exec "$environment/bin/python" "$here/clickhouse_connect.py" "$host" "$port"
