/* SPDX-License-Identifier: Apache-2.0 */
/* isaribi: the front door. Arguments only; the folder is in isaribi_home, the running in isaribi_run. */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <sodium.h>

#include "base/attr.h"
#include "config/option.h"
#include "programs/arguments.h"
#include "programs/isaribi_home.h"
#include "programs/isaribi_run.h"

enum { EXIT_USAGE = 2 };

static const char usage[] =
    "isaribi run [--demo] [--data-dir DIR] [--config FILE] [--rtmp-port N] [--srt-port N] [--http-port N]\n"
    "    この機械で配信サーバーを動かし、配信と視聴の URL を表示します\n"
    "    runs the server on this machine and prints where to publish and watch\n"
    "\n"
    "  --demo          時計と音のあるテスト映像を流す / publish a test picture with a clock and a tone\n"
    "  --data-dir DIR  設定・鍵・録画を置くフォルダー / the folder for settings, keys and recordings\n"
    "                  (root: /var/lib/isaribi, else ~/.local/state/isaribi)\n"
    "  --config FILE   設定ファイル / the configuration file (isaribi.conf(5); else DIR/isaribi.conf)\n"
    "  --rtmp-port N   RTMP のポート / the port of RTMP (1935)\n"
    "  --srt-port N    SRT のポート（UDP） / the port of SRT (UDP, 8890)\n"
    "  --http-port N   HTTP のポート / the port of HTTP (8081)\n"
    "\n"
    "isaribi --version | --help\n";

static bool parse_wish(struct home_wish *wish, char **argv)
{
	const struct argument table[] = {
		{ .name = "--data-dir", .value = &wish->data_dir },
		{ .name = "--config", .value = &wish->config_path },
		{ .name = "--rtmp-port", .value = &wish->rtmp_port },
		{ .name = "--srt-port", .value = &wish->srt_port },
		{ .name = "--http-port", .value = &wish->http_port },
		{ .name = "--demo", .is_given = &wish->is_demo },
	};
	const char *unknown = arguments_parse(table, ARRAY_LEN(table), argv);

	if (unknown)
		fprintf(stderr, "%s が分かりません / do not know %s\n\n", unknown, unknown);
	return !unknown;
}

static int run(const struct home_wish *wish)
{
	/* static: too big for comfort on a stack */
	static struct home home;
	int status = home_open(&home, wish) == 0 ? run_home(&home) : EXIT_FAILURE;

	home_fini(&home);
	return status;
}

int main(int argc, char **argv)
{
	struct home_wish wish = { 0 };
	const char *command = argc > 1 ? argv[1] : "";
	bool is_help = strcmp(command, "--help") == 0 || strcmp(command, "help") == 0 ||
	    (argc > 2 && strcmp(argv[2], "--help") == 0);

	if (sodium_init() < 0 || option_table_check() != NULL) {
		fprintf(stderr, "isaribi was not built rightly\n");
		return EXIT_FAILURE;
	}
	if (is_help || strcmp(command, "--version") == 0) {
		fputs(is_help ? usage : "isaribi " ISARIBI_VERSION "\n", stdout);
		return EXIT_SUCCESS;
	}
	if (strcmp(command, "run") != 0 || !parse_wish(&wish, argv + 2)) {
		fputs(usage, stderr);
		return EXIT_USAGE;
	}
	return run(&wish);
}
