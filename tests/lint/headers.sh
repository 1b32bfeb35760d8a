#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Every header of the product compiles alone. Usage: headers.sh [CC]
set -u
cd "$(dirname "$0")/../.." || exit 1
cc=${1:-cc}
failed=0
flags="-std=c17 -D_POSIX_C_SOURCE=200809L -D_DEFAULT_SOURCE -I. -fsyntax-only -Wall -Wextra -Werror $(pkg-config --cflags libuv)"
headers=$(git ls-files --cached --others --exclude-standard -- '*.h') || exit 1
for header in $headers; do
	# Twice: a missing include guard shows, too.
	printf '#include "%s"\n#include "%s"\n' "$header" "$header" | $cc $flags -x c - || {
		echo "$header does not compile alone"
		failed=1
	}
done
exit $failed
