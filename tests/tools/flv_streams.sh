#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# flv_streams.sh: what scripts that try TOOL with made-up streams begin with; they read it in. $tool, $dir (a folder that is
# removed at the end), fail and flv are theirs then. Exit code 77 (skipped) where ffmpeg or GStreamer is not installed.
set -eu
tool=$1
command -v ffmpeg >/dev/null && command -v ffprobe >/dev/null && command -v gst-launch-1.0 >/dev/null || exit 77
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT

fail() {
	echo "$1" >&2
	exit 1
}

# flv NAME FFMPEG-ARGUMENTS...: NAME.flv
flv() {
	name=$1
	shift
	ffmpeg -v error -y "$@" -f flv "$dir/$name.flv"
}
