/* SPDX-License-Identifier: Apache-2.0 */
#include "programs/isaribi_home.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <sodium.h>

#include "base/err.h"
#include "base/whole.h"
#include "config/ini.h"
#include "config/plan_parse.h"
#include "config/text_file.h"
#include "programs/isaribi_plan.h"

extern char **environ;

enum {
	ERROR_TEXT_SIZE = 1024,
	DIGITS_MAX = 5,
	PORT_MAX = 65535,
};

#define FIRST_STREAM "live1"
#define SYSTEM_DIR   "/var/lib/isaribi"

void home_fini(struct home *home)
{
	if (home->is_demo && home->plan_path[0] != '\0')
		(void)unlink(home->plan_path);
	if (home->lock_fd >= 0)
		close(home->lock_fd);
	options_fini(&home->options);
	sodium_memzero(home->key, sizeof(home->key));
	sodium_memzero(home->demo_key, sizeof(home->demo_key));
}

static int say_unwritable(const char *path, int err)
{
	fprintf(stderr,
	    "%s に書き込めません（%s）。--data-dir で書き込めるフォルダーを指定してください。\n"
	    "cannot write to %s (%s). Name a folder that you may write to with --data-dir.\n",
	    path, err_text(err), path, err_text(err));
	return err;
}

static void print_errors(const struct config_errors *errors)
{
	char text[ERROR_TEXT_SIZE];

	for (size_t i = 0; i < errors->count; i++) {
		config_error_format(&errors->list[i], text, sizeof(text));
		fprintf(stderr, "%s\n", text);
	}
}

/* Files */

static int sync_folder(const char *dir)
{
	int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int err = fd < 0 || fsync(fd) != 0 ? -errno : 0;

	if (fd >= 0)
		close(fd);
	return err;
}

/* In one step: readers see the old file or the new one. */
static int write_file(const struct home *home, const char *path, const char *text, size_t len)
{
	char beside[HOME_PATH_SIZE + 8];
	int err;
	int fd;

	snprintf(beside, sizeof(beside), "%s.new", path);
	(void)unlink(beside); /* of a run that was cut short */
	fd = open(beside, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd < 0)
		return say_unwritable(home->dir, -errno);
	err = whole_write(fd, text, len);
	if (err == 0 && fsync(fd) != 0)
		err = -errno;
	close(fd);
	if (err == 0 && rename(beside, path) != 0)
		err = -errno;
	if (err == 0)
		err = sync_folder(home->dir);
	return err == 0 ? 0 : say_unwritable(path, err);
}

static bool is_there(const char *path)
{
	return access(path, F_OK) == 0;
}

/* The folder */

static int make_folders(const char *dir)
{
	char path[OPTION_TEXT_SIZE];

	snprintf(path, sizeof(path), "%s", dir);
	for (char *slash = strchr(path + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
		*slash = '\0';
		if (mkdir(path, 0755) != 0 && errno != EEXIST)
			return -errno;
		*slash = '/';
	}
	return mkdir(path, 0700) == 0 || errno == EEXIST ? 0 : -errno;
}

/* Where a user who is not root may keep things (XDG Base Directory Specification). */
static int format_user_dir(char *buf, size_t size_bytes)
{
	const char *state = getenv("XDG_STATE_HOME");
	const char *user = getenv("HOME");
	int n;

	if (state && state[0] == '/')
		n = snprintf(buf, size_bytes, "%s/isaribi", state);
	else
		n = snprintf(buf, size_bytes, "%s/.local/state/isaribi", user ? user : ".");
	return n < (int)size_bytes ? 0 : -ENAMETOOLONG;
}

static int pick_folder(const struct home *home, const struct home_wish *wish, char *buf, size_t size_bytes)
{
	const char *dir = wish->data_dir ? wish->data_dir : home->options.data_dir;

	/* The default is root's; a folder that somebody wrote down is taken at his word. */
	if (!wish->data_dir && geteuid() != 0 && strcmp(dir, SYSTEM_DIR) == 0)
		return format_user_dir(buf, size_bytes);
	return snprintf(buf, size_bytes, "%s", dir) < (int)size_bytes ? 0 : -ENAMETOOLONG;
}

static int open_folder(struct home *home, const struct home_wish *wish)
{
	char dir[OPTION_TEXT_SIZE];
	char *real;
	int err = pick_folder(home, wish, dir, sizeof(dir));

	if (err == 0)
		err = make_folders(dir);
	real = err == 0 ? realpath(dir, NULL) : NULL;
	if (err == 0 && !real)
		err = -errno;
	if (err == 0 && snprintf(home->dir, sizeof(home->dir), "%s", real) >= (int)sizeof(home->dir))
		err = -ENAMETOOLONG;
	free(real);
	if (err == 0 && access(home->dir, R_OK | W_OK | X_OK) != 0)
		err = -errno;
	return err == 0 ? 0 : say_unwritable(wish->data_dir ? wish->data_dir : dir, err);
}

static int lock_folder(struct home *home)
{
	char path[HOME_PATH_SIZE];

	snprintf(path, sizeof(path), "%s/isaribi.lock", home->dir);
	home->lock_fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (home->lock_fd < 0)
		return say_unwritable(home->dir, -errno);
	if (flock(home->lock_fd, LOCK_EX | LOCK_NB) == 0)
		return 0;
	fprintf(stderr,
	    "%s では isaribi がもう動いています。そちらを止めるか、--data-dir で別のフォルダーを指定してください。\n"
	    "isaribi already runs in %s. Stop it, or name another folder with --data-dir.\n",
	    home->dir, home->dir);
	return -EBUSY;
}

/* The configuration */

static int load_options(struct home *home, const char *path)
{
	static struct config_errors errors;
	int err;

	config_errors_init(&errors);
	err = options_load(&home->options, path, (const char *const *)environ, &errors);
	print_errors(&errors);
	return err;
}

static int write_config(const struct home *home)
{
	struct options options;
	char *text = NULL;
	size_t len = 0;
	FILE *out = open_memstream(&text, &len);
	int err;

	if (!out)
		return -ENOMEM;
	options_init_defaults(&options);
	snprintf(options.data_dir, sizeof(options.data_dir), "%s", home->dir);
	err = options_dump(&options, out);
	if (fclose(out) != 0)
		err = -ENOMEM;
	if (err == 0)
		err = write_file(home, home->config_path, text, len);
	options_fini(&options);
	free(text);
	return err;
}

static int open_config(struct home *home, const struct home_wish *wish)
{
	int err = 0;

	if (setenv("ISARIBI_NODE_DATA_DIR", home->dir, 1) != 0)
		return -ENOMEM;
	if (wish->config_path) {
		snprintf(home->config_path, sizeof(home->config_path), "%s", wish->config_path);
	} else {
		snprintf(home->config_path, sizeof(home->config_path), "%s/isaribi.conf", home->dir);
		if (!is_there(home->config_path))
			err = write_config(home);
	}
	return err == 0 ? load_options(home, home->config_path) : err;
}

static int set_port(struct listen_address *listen, const char *variable, const char *port)
{
	char text[LISTEN_TEXT_SIZE];
	size_t n_digits = port ? strspn(port, "0123456789") : 0;

	if (!port)
		return 0;
	if (n_digits == 0 || n_digits > DIGITS_MAX || port[n_digits] != '\0' || atol(port) > PORT_MAX) {
		fprintf(stderr,
		    "ポートは 0 から 65535 の番号です（%s ではなく）\n"
		    "a port is a number from 0 to 65535, not %s\n",
		    port, port);
		return -EINVAL;
	}
	if (!listen->is_on)
		(void)listen_address_parse(listen, "0.0.0.0:0");
	listen->port = (uint16_t)atol(port);
	listen_address_format(listen, text, sizeof(text));
	return setenv(variable, text, 1) == 0 ? 0 : -ENOMEM;
}

/* The plan and the key */

/* A trailing line end and blanks belong to the editor. */
static int read_key(struct home *home)
{
	char *text = NULL;
	size_t len = 0;
	int err = text_file_read(home->key_path, sizeof(home->key) + 8, &text, &len);

	if (err == -ENOENT)
		return 0;
	if (err == 0) {
		size_t n = strcspn(text, " \t\r\n");

		if (plan_key_text_is_valid(text, n))
			snprintf(home->key, sizeof(home->key), "%.*s", (int)n, text);
		else
			err = -EINVAL;
		sodium_memzero(text, len);
		free(text);
	}
	if (err != 0)
		fprintf(stderr,
		    "%s に鍵が読めません。このファイルと plan.json を消すと、新しい鍵で始まります。\n"
		    "there is no key to be read in %s. Without it and plan.json isaribi begins with a new key.\n",
		    home->key_path, home->key_path);
	return err;
}

static int write_key(struct home *home)
{
	char line[PLAN_KEY_TEXT_SIZE + 1];
	int len;
	int err;

	plan_key_generate(home->key);
	len = snprintf(line, sizeof(line), "%s\n", home->key);
	err = write_file(home, home->key_path, line, (size_t)len);
	sodium_memzero(line, sizeof(line));
	return err;
}

static int write_plan(const struct home *home, const char *path, const struct plan_text_key *keys, size_t n_keys)
{
	char view_key[PLAN_KEY_TEXT_SIZE];
	char text[PLAN_TEXT_SIZE];
	int err;

	plan_key_generate(view_key);
	err = plan_text_format(text, sizeof(text), keys, n_keys, view_key);
	if (err == 0)
		err = write_file(home, path, text, strlen(text));
	sodium_memzero(view_key, sizeof(view_key));
	sodium_memzero(text, sizeof(text));
	return err;
}

/* What there is to show of a plan that its owner may have edited. */
static int read_plan(struct home *home)
{
	static struct config_errors errors;
	const struct plan_key *key;
	struct plan *plan = NULL;
	int err;

	config_errors_init(&errors);
	err = plan_load_file(&plan, home->plan_path, &errors);
	if (err != 0) {
		print_errors(&errors);
		return err;
	}
	key = home->key[0] != '\0' ? plan_key_find(plan, home->key, strlen(home->key)) : NULL;
	if (!key)
		home->key[0] = '\0';
	if (key)
		snprintf(home->stream, sizeof(home->stream), "%s", key->stream);
	else if (plan->n_streams > 0)
		snprintf(home->stream, sizeof(home->stream), "%s", plan->streams[0].id);
	else if (plan->n_keys > 0)
		snprintf(home->stream, sizeof(home->stream), "%s", plan->keys[0].stream);
	plan_unref(plan);
	return 0;
}

static int open_plan(struct home *home)
{
	int err;

	snprintf(home->plan_path, sizeof(home->plan_path), "%s/plan.json", home->dir);
	snprintf(home->key_path, sizeof(home->key_path), "%s/publish.key", home->dir);
	err = read_key(home);
	/* The key first: cut short in between, the next run makes the plan of it. */
	if (err == 0 && home->key[0] == '\0' && !is_there(home->plan_path))
		err = write_key(home);
	if (err == 0 && !is_there(home->plan_path)) {
		const struct plan_text_key first = { .stream = FIRST_STREAM, .key = home->key };

		err = write_plan(home, home->plan_path, &first, 1);
	}
	return err == 0 ? read_plan(home) : err;
}

static int open_demo(struct home *home)
{
	struct plan_text_key keys[2] = { { .stream = HOME_DEMO_STREAM, .key = home->demo_key } };
	size_t n_keys = 1;

	plan_key_generate(home->demo_key);
	if (home->key[0] != '\0' && strcmp(home->stream, HOME_DEMO_STREAM) != 0)
		keys[n_keys++] = (struct plan_text_key){ .stream = home->stream, .key = home->key };
	snprintf(home->plan_path, sizeof(home->plan_path), "%s/demo-plan.json", home->dir);
	home->is_demo = true;
	return write_plan(home, home->plan_path, keys, n_keys);
}

int home_open(struct home *home, const struct home_wish *wish)
{
	int err;

	*home = (struct home){ .lock_fd = -1 };
	options_init_defaults(&home->options);
	err = load_options(home, wish->config_path);
	if (err == 0)
		err = open_folder(home, wish);
	if (err == 0)
		err = lock_folder(home);
	if (err == 0)
		err = open_config(home, wish);
	if (err == 0)
		err = set_port(&home->options.rtmp_listen, "ISARIBI_RTMP_LISTEN", wish->rtmp_port);
	if (err == 0)
		err = set_port(&home->options.http_listen, "ISARIBI_HTTP_LISTEN", wish->http_port);
	if (err == 0)
		err = set_port(&home->options.srt_listen, "ISARIBI_SRT_LISTEN", wish->srt_port);
	if (err == 0)
		err = open_plan(home);
	if (err == 0 && wish->is_demo)
		err = open_demo(home);
	return err;
}
