#!/bin/sh
# Lets checkdmarc examine the zones of tests/dns/cases and fails when it reports a fault where ruad finds nothing.
set -eu
cd "$(dirname "$0")/../.."
folder=${CARGO_TARGET_DIR:-target}/peers/checkdmarc
[ -x "$folder/bin/python" ] || {
    python3 -m venv "$folder"
    "$folder/bin/pip" --quiet install checkdmarc==6.0.4
}
CHECKDMARC_PYTHON=$(realpath -s "$folder/bin/python") \
    cargo test --locked --test dns peers -- --ignored --nocapture
