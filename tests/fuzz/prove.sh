#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Can the fuzzers hear? Each deaf/TARGET.patch (or deaf/TARGET.WHAT.patch) takes one check out of a copy of one source;
# the target built with it must find that within SECONDS. Usage: prove.sh SECONDS [NAME...]; needs the fuzz preset built.
set -euo pipefail
cd "$(dirname "$0")/../.."
seconds=${1:?usage: prove.sh SECONDS [NAME...]}
shift
names=("$@")
[ ${#names[@]} -gt 0 ] || for patch in tests/fuzz/deaf/*.patch; do names+=("$(basename "$patch" .patch)"); done
export ASAN_OPTIONS=detect_leaks=1:abort_on_error=0 UBSAN_OPTIONS=print_stacktrace=1:halt_on_error=1

# build NAME: the patched source goes before the libraries, so its object is taken and theirs is not
build() {
	local patch=tests/fuzz/deaf/$1.patch dir=build/fuzz/deaf/$1 source
	source=$(sed -n 's|^+++ b/||p' "$patch")
	rm -rf "$dir"
	mkdir -p "$dir/$(dirname "$source")" "$dir/corpus"
	cp "$source" "$dir/$source"
	patch --quiet --fuzz=0 -p1 -d "$dir" <"$patch"
	# shellcheck disable=SC2046
	clang -std=c17 -O1 -g -fsanitize=fuzzer,address,undefined -fno-sanitize-recover=undefined -fno-omit-frame-pointer \
		-D_POSIX_C_SOURCE=200809L -D_DEFAULT_SOURCE -Wno-unused -I. "$dir/$source" "tests/fuzz/fuzz_${1%%.*}.c" tests/fuzz/fuzz.c \
		-Wl,--start-group build/fuzz/{base,media,config,relay,ingest,packager}/libisaribi_*.a -Wl,--end-group \
		$(pkg-config --cflags --libs libuv libsodium jansson inih libwebsockets zlib) -pthread -o "$dir/fuzz"
}

# hear NAME: 0 when the missing check is found in time
hear() {
	local dir=build/fuzz/deaf/$1 dict=tests/fuzz/dict/${1%%.*}.dict began=$SECONDS
	[ -f "$dict" ] && dict=-dict=$dict || dict=
	cp tests/fuzz/corpus/"${1%%.*}"/* "$dir/corpus/"
	if "$dir/fuzz" -max_total_time="$seconds" -timeout=5 -rss_limit_mb=1024 -artifact_prefix="$dir/" ${dict:+"$dict"} "$dir/corpus" \
		>"$dir/log" 2>&1; then
		echo "$1: DEAF, nothing found in $seconds s"
		return 1
	fi
	grep -qE 'ERROR: (AddressSanitizer|libFuzzer|LeakSanitizer)|runtime error|does not hold' "$dir/log" ||
		{ echo "$1: did not run" && tail -5 "$dir/log" && return 1; }
	echo "$1: found after $((SECONDS - began)) s, $(grep -m1 -oE 'ERROR: .{0,60}|runtime error: .{0,60}|does not hold: .{0,60}' "$dir/log")"
}

deaf=0
for name in "${names[@]}"; do
	build "$name"
	hear "$name" || deaf=$((deaf + 1))
done
echo "$((${#names[@]} - deaf)) of ${#names[@]} missing checks found"
[ "$deaf" -eq 0 ]
