#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# package_flv.sh TOOL: packages made-up streams and has ffmpeg and GStreamer read what came out.
# Exit code 77 (skipped) where these are not installed.
set -eu
. "$(dirname "$0")/flv_streams.sh"

# make NAME FFMPEG-ARGUMENTS...: NAME.flv and what the packager makes of it in NAME/
make() {
	flv "$@"
	mkdir "$dir/$name"
	"$tool" "$dir/$name.flv" "$dir/$name" >"$dir/$name.parts"
}

# Nothing to complain about, in the file and through the playlist.
decodes() {
	for input in all.mp4 main.m3u8; do
		said=$(ffmpeg -v warning -i "$dir/$1/$input" -f null - 2>&1) || fail "$1: ffmpeg cannot decode $input: $said"
		[ -z "$said" ] || fail "$1: $input: $said"
	done
}

# Every picture that went in comes out, and the same.
same_pictures() {
	ffmpeg -v error -y -i "$dir/$1.flv" -map 0:v -f framemd5 - | grep -v '^#' | cut -d, -f6 >"$dir/in"
	ffmpeg -v error -y -i "$dir/$1/all.mp4" -map 0:v -f framemd5 - | grep -v '^#' | cut -d, -f6 >"$dir/out"
	[ -s "$dir/in" ] && cmp -s "$dir/in" "$dir/out" || fail "$1: pictures differ"
}

# Audio packets follow each other by exactly one frame.
smooth_audio() {
	ffprobe -v error -select_streams a -show_entries packet=dts -of csv=p=0 "$dir/$1/all.mp4" |
		awk -F, 'NR > 1 && $1 - last != 1024 { bad++ } { last = $1 } END { exit bad || NR < 100 }' ||
		fail "$1: audio is not smooth"
}

rising_video() {
	ffprobe -v error -select_streams v -show_entries packet=dts -of csv=p=0 "$dir/$1/all.mp4" |
		awk -F, 'NR > 1 && ($1 <= last || $1 - last > 9000) { bad++ } { last = $1 } END { exit bad || NR < 100 }' ||
		fail "$1: video times do not rise evenly"
}

gst() {
	gst-launch-1.0 -q filesrc location="$dir/$1/all.mp4" ! qtdemux name=d \
		d.video_0 ! queue ! h264parse ! avdec_h264 ! fakesink \
		d.audio_0 ! queue ! aacparse ! avdec_aac ! fakesink || fail "$1: GStreamer cannot play it"
}

video="-c:v libx264 -preset veryfast -b:v 200k -sc_threshold 0"
for case in "b 30 60 -bf 3" "g10 30 300 -bf 2" "ntsc 30000/1001 60 -bf 0"; do
	set -- $case
	# shellcheck disable=SC2086
	make "$1" -f lavfi -i "testsrc2=s=160x120:r=$2" -f lavfi -i sine=r=48000 -t 13 $video -g "$3" "$4" "$5" -c:a aac
	decodes "$1"
	same_pictures "$1"
	smooth_audio "$1"
	rising_video "$1"
	gst "$1"
done

make audio -f lavfi -i sine=r=44100 -t 9 -c:a aac
decodes audio
smooth_audio audio
# shellcheck disable=SC2086
make video -f lavfi -i testsrc2=s=160x120:r=25 -t 9 $video -g 50 -bf 2
decodes video
same_pictures video
rising_video video

# The same input gives the same bytes.
mkdir "$dir/again"
"$tool" "$dir/b.flv" "$dir/again" >/dev/null
diff -r "$dir/b" "$dir/again" >/dev/null || fail "two runs differ"
