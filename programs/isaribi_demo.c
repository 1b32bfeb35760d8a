/* SPDX-License-Identifier: Apache-2.0 */
#include "programs/isaribi_demo.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/attr.h"

#define TRUETYPE "/usr/share/fonts/truetype/"

static const char *const fonts[] = {
	TRUETYPE "dejavu/DejaVuSansMono.ttf",
	TRUETYPE "dejavu/DejaVuSans.ttf",
	TRUETYPE "liberation/LiberationMono-Regular.ttf",
	TRUETYPE "noto/NotoSansMono-Regular.ttf",
	TRUETYPE "freefont/FreeMono.ttf",
};

/* 1280x720 at 30 fps, a key frame every 2 s, a beep every second. */
static const char *const ffmpeg_sources[] = { "-hide_banner", "-nostdin", "-loglevel", "fatal", "-re", "-f", "lavfi",
	"-i", "testsrc2=size=1280x720:rate=30", "-re", "-f", "lavfi", "-i",
	"sine=frequency=440:beep_factor=4:sample_rate=48000", "-af", "volume=0.3" };
static const char *const ffmpeg_codecs[] = { "-c:v", "libx264", "-preset", "superfast", "-tune", "zerolatency",
	"-profile:v", "high", "-pix_fmt", "yuv420p", "-b:v", "2000k", "-maxrate", "2000k", "-bufsize", "2000k", "-g",
	"60", "-keyint_min", "60", "-sc_threshold", "0", "-c:a", "aac", "-b:a", "128k", "-ar", "48000", "-ac", "2",
	"-f", "flv" };
static const char *const gst_picture[] = { "videotestsrc", "is-live=true", "pattern=ball", "animation-mode=wall-time",
	"!", "video/x-raw,format=I420,width=1280,height=720,framerate=30/1", "!" };
static const char *const gst_clock[] = { "clockoverlay", "time-format=%H:%M:%S", "font-desc=Sans 40", "!" };
static const char *const gst_codecs[] = { "x264enc", "tune=zerolatency", "speed-preset=superfast", "bitrate=2000",
	"key-int-max=60", "!", "video/x-h264,profile=high", "!", "h264parse", "!", "queue", "!", "mux.", "audiotestsrc",
	"is-live=true", "wave=ticks", "volume=0.3", "!", "audio/x-raw,rate=48000,channels=2", "!", "audioconvert", "!",
	"avenc_aac", "bitrate=128000", "!", "aacparse", "!", "queue", "!", "mux.", "flvmux", "name=mux",
	"streamable=true", "!", "rtmp2sink" };

static bool is_in_path(const char *program)
{
	const char *path = getenv("PATH");
	char full[DEMO_TEXT_SIZE];

	for (const char *p = path ? path : "/usr/local/bin:/usr/bin:/bin"; *p != '\0';) {
		size_t len = strcspn(p, ":");
		int n = snprintf(full, sizeof(full), "%.*s/%s", (int)len, p, program);

		if (len > 0 && n < (int)sizeof(full) && access(full, X_OK) == 0)
			return true;
		p += len + (p[len] == ':');
	}
	return false;
}

bool demo_find(struct demo *demo)
{
	*demo = (struct demo){ .tool = DEMO_NONE };
	if (is_in_path("ffmpeg"))
		demo->tool = DEMO_FFMPEG;
	else if (is_in_path("gst-launch-1.0"))
		demo->tool = DEMO_GSTREAMER;
	for (size_t i = 0; i < ARRAY_LEN(fonts) && !demo->font; i++) {
		if (access(fonts[i], R_OK) == 0)
			demo->font = fonts[i];
	}
	return demo->tool != DEMO_NONE;
}

static void add(struct demo *demo, size_t *n, const char *const *args, size_t n_args)
{
	assert(*n + n_args < DEMO_ARGS_MAX);
	memcpy(&demo->argv[*n], args, n_args * sizeof(args[0]));
	*n += n_args;
}

static void command_ffmpeg(struct demo *demo, const char *server, const char *key)
{
	static const char *const program[] = { "ffmpeg" };
	const char *const clock[] = { "-vf", demo->filter };
	const bool has_clock = demo->font && !demo->is_plain;
	const char *const target[] = { "-fpre", "/proc/self/fd/3", demo->url };
	size_t n = 0;

	_Static_assert(CHILD_SECRET_FD == 3, "the preset is read from there");
	/* %T has no colons, which would have to be escaped twice */
	if (has_clock)
		snprintf(demo->filter, sizeof(demo->filter),
		    "drawtext=fontfile=%s:text='%%{localtime\\:%%T}':fontsize=96:fontcolor=white:box=1:"
		    "boxcolor=black@0.6:boxborderw=16:x=(w-text_w)/2:y=h-160",
		    demo->font);
	snprintf(demo->url, sizeof(demo->url), "%s", server);
	snprintf(demo->secret, sizeof(demo->secret), "rtmp_playpath=%s\n", key);
	add(demo, &n, program, ARRAY_LEN(program));
	add(demo, &n, ffmpeg_sources, ARRAY_LEN(ffmpeg_sources));
	if (has_clock)
		add(demo, &n, clock, ARRAY_LEN(clock));
	add(demo, &n, ffmpeg_codecs, ARRAY_LEN(ffmpeg_codecs));
	add(demo, &n, target, ARRAY_LEN(target));
}

static void command_gstreamer(struct demo *demo, const char *server, const char *key)
{
	static const char *const program[] = { "gst-launch-1.0", "-q" };
	const char *const target[] = { demo->url };
	size_t n = 0;

	snprintf(demo->url, sizeof(demo->url), "location=%s/%s", server, key);
	add(demo, &n, program, ARRAY_LEN(program));
	add(demo, &n, gst_picture, ARRAY_LEN(gst_picture));
	if (!demo->is_plain)
		add(demo, &n, gst_clock, ARRAY_LEN(gst_clock));
	add(demo, &n, gst_codecs, ARRAY_LEN(gst_codecs));
	add(demo, &n, target, ARRAY_LEN(target));
}

void demo_command(struct demo *demo, const char *server, const char *key, struct child_spec *spec)
{
	memset(demo->argv, 0, sizeof(demo->argv));
	if (demo->tool == DEMO_FFMPEG)
		command_ffmpeg(demo, server, key);
	else
		command_gstreamer(demo, server, key);
	*spec = (struct child_spec){
		.argv = demo->argv,
		.secret = demo->tool == DEMO_FFMPEG ? demo->secret : NULL,
		/* its complaints could hold the URL, and that the key */
		.is_quiet = demo->tool == DEMO_GSTREAMER,
	};
}
