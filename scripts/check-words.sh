#!/bin/sh
# Fails when a string of the program, or a text that people read, has a word of scripts/words.txt. Comments are left alone.
set -eu
cd "$(dirname "$0")/.."
files=$(git ls-files src/cli src/http crates/web '*telemetry.rs' texts/en/steps.toml texts/en/stage.toml texts/en/sender.toml README.md | grep -v '/tests')
found=0
while IFS="$(printf '\t')" read -r word instead; do
    case $word in '' | '#'*) continue ;; esac
    # shellcheck disable=SC2086 # no file name of ours has a blank
    hits=$(grep -nE "$word" $files | grep -vE '^[^:]+:[0-9]+: *//[^/]|^[^:]+:[0-9]+: *///? |words: allow' || true)
    if [ -n "$hits" ]; then
        printf '%s\n    instead: %s\n' "$hits" "$instead"
        found=1
    fi
done <scripts/words.txt
exit $found
