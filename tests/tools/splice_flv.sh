#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# splice_flv.sh TOOL: a channel of made-up streams and the slate, read by ffmpeg and GStreamer.
# Exit code 77 (skipped) where these are not installed.
set -eu
. "$(dirname "$0")/flv_streams.sh"

# Nothing to complain about, and as many frames as went in.
check() {
	name=$1
	shift
	"$tool" "$dir/$name.mp4" "$@" >"$dir/$name.said"
	pictures=$(awk '/^pictures/ { print $2 }' "$dir/$name.said")
	sounds=$(awk '/^sounds/ { print $2 }' "$dir/$name.said")
	said=$(ffmpeg -v warning -i "$dir/$name.mp4" -fps_mode passthrough -enc_time_base -1 -f null - 2>&1) || fail "$name: ffmpeg cannot decode it: $said"
	[ -z "$said" ] || fail "$name: $said"
	count "$name" v "$pictures"
	count "$name" a "$sounds"
	ffprobe -v error -select_streams v -show_entries packet=dts -of csv=p=0 "$dir/$name.mp4" |
		awk -F, 'NR > 1 && ($1 <= last || $1 - last > 9000) { bad++ } { last = $1 } END { exit bad || NR < 100 }' ||
		fail "$name: video times do not rise evenly"
	gst "$name"
}

count() {
	found=$(ffprobe -v error -count_frames -select_streams "$2" -show_entries stream=nb_read_frames -of csv=p=0 \
		"$dir/$1.mp4")
	[ "$found" = "$3" ] || fail "$1: $found frames of $2, not $3"
}

# It plays to the end and shows something; how many frames is not looked at.
gst() {
	gst-launch-1.0 -q filesrc location="$dir/$1.mp4" ! qtdemux name=d \
		d.video_0 ! queue ! h264parse ! avdec_h264 ! filesink location="$dir/$1.yuv" \
		d.audio_0 ! queue ! aacparse ! avdec_aac ! fakesink || fail "$1: GStreamer cannot play it"
	[ -s "$dir/$1.yuv" ] || fail "$1: GStreamer shows nothing"
}

video="-c:v libx264 -preset veryfast -b:v 300k -sc_threshold 0"
# shellcheck disable=SC2086
{
	flv small -f lavfi -i testsrc2=s=640x360:r=30 -f lavfi -i sine=r=48000 -t 9 $video -g 37 -bf 2 -c:a aac -ac 2
	flv large -f lavfi -i testsrc2=s=1280x720:r=25 -f lavfi -i sine=660:r=48000 -t 9 $video -g 50 -bf 0 -c:a aac -ac 2
	flv mute -f lavfi -i mandelbrot=s=480x270:r=24 -t 9 $video -g 48 -bf 3
}
flv heard -f lavfi -i sine=330:r=48000 -t 9 -c:a aac -ac 2
check two "$dir/small.flv" "$dir/large.flv"
check four "$dir/large.flv" "$dir/mute.flv" "$dir/heard.flv" "$dir/small.flv"

# Silence is silence to a decoder: a channel of a file without sound.
check silent "$dir/mute.flv"
loudest=$(ffmpeg -v info -i "$dir/silent.mp4" -map 0:a -af volumedetect -f null - 2>&1 | sed -n 's/.*max_volume: //p')
[ "$loudest" = "-91.0 dB" ] || fail "silence is $loudest loud"
