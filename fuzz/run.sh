#!/bin/sh
# Fuzzes every target, or those that are named: run.sh SECONDS [TARGET]... What is found stays in corpus/ and artifacts/.
set -eu
cd "$(dirname "$0")"
seconds=${1:?how many seconds each}
shift
[ $# -gt 0 ] || set -- aggregate tls message smtp segment spf dns terminal

# The spool syncs every file, which takes a disk's time.
[ ! -w /dev/shm ] || export TMPDIR=/dev/shm

for target; do
    # The project's fixtures are where it begins; the first folder is the one that libFuzzer writes to.
    case $target in
    aggregate | tls) seeds=../tests/fixtures/report/$target ;;
    message) seeds="../tests/fixtures/mail ../tests/fixtures/report" ;;
    *) seeds=seeds/$target ;;
    esac
    mkdir -p "corpus/$target"
    # shellcheck disable=SC2086 # Several folders.
    cargo +nightly fuzz run "$target" "corpus/$target" $seeds -- \
        -max_total_time="$seconds" -rss_limit_mb=512 -timeout=10 -print_final_stats=1
done
