#!/bin/sh
# Installs libchdb, the embedded ClickHouse engine, once into this user's cache, and prints its path.
#
# Usage: install-engine.sh [--print]
#
#   --print   only look: print the path of an installed library, or fail when there is none
#
# It is looked for in this order: RUAD_ENGINE_LIB, the cache (below XDG_CACHE_HOME or ~/.cache), the folders of the
# system's loader. When it is nowhere, it is taken from the npm package or, without npm, from the project's public
# release. Whatever is downloaded must have the pinned SHA-256 (or, on platforms without a pinned one, that in
# RUAD_ENGINE_SHA256), or it is not installed.
#
# Exit codes: 0 installed, 1 not installed, 2 usage, 3 no pinned library for this platform, 4 wrong checksum.
set -eu

version=26.7.3-stable.1
release=v26.7.3

say() { echo "install-engine: $*" >&2; }

fail() {
    code=$1
    shift
    say "$@"
    exit "$code"
}

only_look=
case $# in
0) ;;
1) if [ "$1" = --print ]; then only_look=1; else fail 2 "unknown argument $1; the only one is --print"; fi ;;
*) fail 2 "too many arguments; the only one is --print" ;;
esac

# --- what is there already ------------------------------------------------------------------------------------------

if [ -n "${RUAD_ENGINE_LIB:-}" ]; then
    [ -f "$RUAD_ENGINE_LIB" ] || fail 1 "RUAD_ENGINE_LIB is $RUAD_ENGINE_LIB, but there is no such file"
    echo "$RUAD_ENGINE_LIB"
    exit 0
fi

system=$(uname -s)
machine=$(uname -m)
extension=so
[ "$system" != Darwin ] || extension=dylib

case ${XDG_CACHE_HOME:-} in
/*) cache=$XDG_CACHE_HOME/ruad ;;
*) cache=${HOME:?neither XDG_CACHE_HOME nor HOME is set}/.cache/ruad ;;
esac
library=$cache/libchdb-$version.$extension

if [ -f "$library" ]; then
    echo "$library"
    exit 0
fi

old_ifs=$IFS
IFS=:
for folder in ${LD_LIBRARY_PATH:-} /usr/local/lib /usr/lib /usr/lib64 /usr/lib/x86_64-linux-gnu \
    /usr/lib/aarch64-linux-gnu; do
    case $folder in
    /*) if [ -f "$folder/libchdb.$extension" ]; then
        echo "$folder/libchdb.$extension"
        exit 0
    fi ;;
    esac
done
IFS=$old_ifs

[ -z "$only_look" ] || fail 1 "libchdb is not installed; \`make engine\` installs it"

# --- what is pinned -------------------------------------------------------------------------------------------------

# Sums are pinned only for what has been run. For the other platforms, whoever trusts a library says its sum.
sum=${RUAD_ENGINE_SHA256:-}
case $system-$machine in
Linux-x86_64)
    package=@chdb/lib-linux-x64-gnu
    archive=linux-x86_64-libchdb.tar.gz
    sum=36ad4e999882821ef13cf2d0f52c93f48e6ee1b4498b35a201c23ce4b8d15bf5
    ;;
Linux-aarch64)
    package=@chdb/lib-linux-arm64-gnu
    archive=linux-aarch64-libchdb.tar.gz
    ;;
Darwin-arm64)
    package=@chdb/lib-darwin-arm64
    archive=macos-arm64-libchdb.tar.gz
    ;;
Darwin-x86_64)
    package=@chdb/lib-darwin-x64
    archive=macos-x86_64-libchdb.tar.gz
    ;;
*) fail 3 "there is no library for $system on $machine: use a ClickHouse server" ;;
esac
[ -n "$sum" ] || fail 3 "no checksum is pinned for $system on $machine. Either install libchdb $version yourself and set" \
    "RUAD_ENGINE_LIB to its path, or set RUAD_ENGINE_SHA256 to the sum of the $package library that you trust," \
    "or use a ClickHouse server"

if [ "$system" = Linux ] && ! getconf GNU_LIBC_VERSION >/dev/null 2>&1; then
    fail 3 "the library needs glibc, which this system does not have: use a ClickHouse server"
fi

# --- getting it -----------------------------------------------------------------------------------------------------

mkdir -p "$cache"
# What a killed run left behind.
find "$cache" -maxdepth 1 -name 'install.*' -mmin +120 -exec rm -rf {} +
# In the cache, so that the last step is a rename within one file system.
work=$(mktemp -d "$cache/install.XXXXXX")
trap 'rm -rf "$work"' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP

checksum() {
    if command -v sha256sum >/dev/null; then
        sha256sum "$1" | cut -d ' ' -f 1
    else
        shasum -a 256 "$1" | cut -d ' ' -f 1
    fi
}

# Moves the library in this folder into place if it is the pinned one. Two runs at once do no harm: the rename is
# atomic, and both bring the same bytes.
accept() {
    for file in "$1/libchdb.so" "$1/libchdb.dylib"; do
        [ ! -f "$file" ] || break
    done
    [ -f "$file" ] || fail 1 "what was downloaded has no library in it"
    found=$(checksum "$file")
    [ "$found" = "$sum" ] || fail 4 "refused: the library has SHA-256 $found, but $sum is pinned"
    chmod 755 "$file"
    mv "$file" "$library"
    say "installed $library"
    echo "$library"
    exit 0
}

if command -v npm >/dev/null; then
    say "getting $package $version with npm (180 MB, once)"
    if (cd "$work" && npm pack --silent --pack-destination "$work" "$package@$version" >packed) 2>"$work/error"; then
        packed=$work/$(tail -n 1 "$work/packed")
        tar -xzf "$packed" -C "$work"
        rm -f "$packed"
        accept "$work/package"
    fi
    say "npm could not get it: $(tail -n 1 "$work/error")"
else
    say "npm is not installed"
fi

url=https://github.com/chdb-io/chdb-core/releases/download/$release/$archive
if command -v curl >/dev/null; then
    say "getting $url with curl"
    if curl --fail --location --silent --show-error --proto '=https' --connect-timeout 20 --output "$work/archive" \
        "$url" 2>"$work/error"; then
        mkdir "$work/unpacked"
        tar -xzf "$work/archive" -C "$work/unpacked"
        rm -f "$work/archive"
        accept "$work/unpacked"
    fi
    say "curl could not get it: $(tail -n 1 "$work/error")"
else
    say "curl is not installed"
fi

fail 1 "libchdb $version is not installed: get it where you can, check its SHA-256 ($sum), and put it at $library" \
    "or set RUAD_ENGINE_LIB to its path"
