#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The layout of every C file is what clang-format makes of it.
set -euo pipefail
cd "$(dirname "$0")/../.."
git ls-files -z --cached --others --exclude-standard -- '*.c' '*.h' | xargs -0 clang-format --dry-run -Werror
