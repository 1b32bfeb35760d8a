#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Takes into corpus/ what build/fuzz/corpus (and any FOLDER with a folder per target) reaches beyond the seeds and the
# regressions. Usage: minimise.sh [FOLDER...]; needs the fuzz preset built. Files beyond 4 KB stay out.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
for target in "$here"/../../build/fuzz/bin/fuzz_*; do
	name=${target##*/fuzz_}
	from=$(mktemp -d)
	for folder in "$here/corpus" "$here/../../build/fuzz/corpus" "$@"; do
		[ ! -d "$folder/$name" ] || find "$folder/$name" -type f -size -4097c -exec cp {} "$from" \;
	done
	find "$here/corpus/$name" -type f ! -name 'seed_*' ! -name 'bug_*' -delete
	# By edges, not by how often each is taken: a tenth of the files.
	"$target" -merge=1 -use_counters=0 -max_len=4096 "$here/corpus/$name" "$from" 2>/dev/null
	rm -rf "$from"
	echo "$name: $(find "$here/corpus/$name" -type f | wc -l) files"
done
find "$here/corpus" -type f -printf '%s\n' | awk '{ n += $1 } END { print n " bytes" }'
