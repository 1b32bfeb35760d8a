/* SPDX-License-Identifier: Apache-2.0 */
/* isaribi: the front door. Arguments only; the folder is in isaribi_home, the running in isaribi_run. */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <sodium.h>

#include "base/attr.h"
#include "config/option.h"
#include "programs/isaribi_home.h"
#include "programs/isaribi_run.h"

enum { EXIT_USAGE = 2 };

static const char usage[] =
    "isaribi run [--demo] [--data-dir DIR] [--config FILE] [--rtmp-port N] [--http-port N]\n"
    "    この機械で配信サーバーを動かし、配信と視聴の URL を表示します\n"
    "    runs the server on this machine and prints where to publish and watch\n"
    "\n"
    "  --demo          時計と音のあるテスト映像を流す / publish a test picture with a clock and a tone\n"
    "  --data-dir DIR  設定・鍵・録画を置くフォルダー / the folder for settings, keys and recordings\n"
    "                  (root: /var/lib/isaribi, else ~/.local/state/isaribi)\n"
    "  --config FILE   設定ファイル / the configuration file (isaribi.conf(5); else DIR/isaribi.conf)\n"
    "  --rtmp-port N   RTMP のポート / the port of RTMP (1935)\n"
    "  --http-port N   HTTP のポート / the port of HTTP (8081)\n"
    "\n"
    "isaribi --version | --help\n";

/* "--name VALUE" or "--name=VALUE" at argv[*i]: where the value is, or NULL when this is not that option. */
static const char *value_of(char **argv, int *i, const char *name)
{
	size_t len = strlen(name);

	if (strncmp(argv[*i], name, len) != 0)
		return NULL;
	if (argv[*i][len] == '=')
		return argv[*i] + len + 1;
	if (argv[*i][len] != '\0' || !argv[*i + 1])
		return NULL;
	return argv[++*i];
}

static bool parse_wish(struct home_wish *wish, char **argv)
{
	const struct {
		const char *name;
		const char **value;
	} with_value[] = {
		{ "--data-dir", &wish->data_dir },
		{ "--config", &wish->config_path },
		{ "--rtmp-port", &wish->rtmp_port },
		{ "--http-port", &wish->http_port },
	};

	for (int i = 0; argv[i]; i++) {
		const char *value = NULL;

		for (size_t k = 0; k < ARRAY_LEN(with_value) && !value; k++) {
			value = value_of(argv, &i, with_value[k].name);
			if (value)
				*with_value[k].value = value;
		}
		if (value)
			continue;
		if (strcmp(argv[i], "--demo") != 0) {
			fprintf(stderr, "%s が分かりません / do not know %s\n\n", argv[i], argv[i]);
			return false;
		}
		wish->is_demo = true;
	}
	return true;
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
