/* SPDX-License-Identifier: Apache-2.0 */
#include "programs/node_rec.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/attr.h"
#include "base/err.h"
#include "packager/rec_disk.h"
#include "packager/rec_export.h"
#include "packager/rec_list.h"
#include "packager/rec_load.h"
#include "packager/rec_repair.h"

struct command {
	const char *name;
	unsigned min_words; /* behind the name */
	unsigned max_words;
	int (*run)(const struct node_rec_arguments *args, int root_fd);
};

static int fail(const char *what, int err)
{
	fprintf(stderr, "%s: %s\n", what, err == -ENOENT ? "ありません / there is none" : err_text(err));
	return EXIT_FAILURE;
}

static const char *time_text(int64_t wall_ms, char text[32])
{
	time_t seconds = (time_t)(wall_ms / 1000);
	struct tm utc;

	text[0] = '\0';
	if (wall_ms > 0 && gmtime_r(&seconds, &utc))
		(void)!strftime(text, 32, "%Y-%m-%dT%H:%M:%SZ", &utc);
	return text;
}

/* 0, or the exit status when it cannot be read. */
static int load(struct rec_index *index, int root_fd, const char *id, int *folder_fd)
{
	int err;

	*folder_fd = rec_load_folder(root_fd, id);
	err = *folder_fd < 0 ? *folder_fd : rec_load_index(index, *folder_fd, REC_LOAD_FROM_INDEX);
	return err != 0 ? fail(id, err) : 0;
}

/* ---- list ---- */

/* What a line says of how much there is. */
struct amount {
	int64_t duration_ms;
	uint64_t bytes;
	size_t files;
};

static void count_told(struct amount *amount, const struct rec_info *info)
{
	*amount = (struct amount){ .bytes = rec_info_saved_bytes(info), .files = info->n_stretches };
	for (size_t i = 0; i < info->n_stretches; i++)
		amount->duration_ms += info->stretches[i].duration_ms;
}

/* Of one that runs, or ran when its node died, recording.json may be half a minute behind: its files know. */
static int count_files(struct amount *amount, int folder_fd)
{
	struct rec_index index;
	int err;

	rec_index_init(&index);
	err = rec_load_index(&index, folder_fd, REC_LOAD_FROM_INDEX);
	*amount = (struct amount){ .duration_ms = rec_index_duration_90k(&index) / 90, .files = index.n_stretches };
	for (size_t i = 0; i < index.n_stretches; i++)
		amount->bytes += rec_index_end(&index.stretches[i]);
	rec_index_fini(&index);
	return err;
}

static int look_at(struct rec_info *info, struct amount *amount, int root_fd, const char *id)
{
	int folder_fd = rec_load_folder(root_fd, id);
	int err = folder_fd < 0 ? folder_fd : rec_load_info(folder_fd, info);

	count_told(amount, info);
	if (err == 0 && info->state == REC_RECORDING)
		err = count_files(amount, folder_fd);
	if (folder_fd >= 0)
		close(folder_fd);
	return err;
}

/* One line for each, its words behind tabs: for eyes and for scripts. */
static int list_one(int root_fd, const struct rec_list_entry *entry)
{
	struct amount amount;
	struct rec_info info;
	char begin[32];
	int err;

	if (entry->stream[0] == '\0') {
		printf("%s\tunreadable\n", entry->id);
		return EXIT_FAILURE;
	}
	rec_info_init(&info);
	err = look_at(&info, &amount, root_fd, entry->id);
	if (err == 0)
		printf("%s\t%s\t%s\t%s\t%" PRId64 " s\t%" PRIu64 " bytes\t%zu%s\n", entry->id, entry->stream,
		    rec_state_name(info.state), time_text(info.begin_wall_ms, begin), amount.duration_ms / 1000,
		    amount.bytes, amount.files, info.is_pinned ? "\tpinned" : "");
	rec_info_fini(&info);
	return err == 0 ? EXIT_SUCCESS : fail(entry->id, err);
}

static int list(const struct node_rec_arguments *args, int root_fd)
{
	struct rec_list *all = NULL;
	int err = rec_list_read(&all, root_fd, NULL);
	int status = EXIT_SUCCESS;

	if (err != 0)
		return fail(args->data_dir, err);
	for (size_t i = 0; all && i < all->count; i++) {
		if (list_one(root_fd, &all->entries[i]) != EXIT_SUCCESS)
			status = EXIT_FAILURE;
	}
	rec_list_unref(all);
	return status;
}

/* ---- check ---- */

static void say_number(const char *what, uint64_t number)
{
	if (number > 0)
		printf("\t%" PRIu64 " %s", number, what);
}

static void say_stretch(const struct rec_fault *f)
{
	printf("  %04u.mp4\t%zu fragments", f->stretch, f->fragments);
	if (rec_fault_is_none(f))
		printf("\tok");
	if (f->is_missing)
		printf("\tmissing");
	if (f->is_unreadable)
		printf("\tunreadable");
	if (f->is_damaged)
		printf("\tdamaged when it was recorded");
	say_number("fragments not in the index", f->not_in_index);
	say_number("bytes of half a fragment at the end", f->half_bytes);
	say_number("saved bytes are missing", f->missing_bytes);
	say_number("ms lost before it", (uint64_t)f->lost_ms_before);
	printf("\n");
}

/* A running recording is never whole, and that is nothing wrong with it. */
static bool is_fine(const struct rec_check *check)
{
	bool is_running = check->info_err == 0 && check->info.state == REC_RECORDING;
	bool fine = check->info_err == 0;

	for (size_t i = 0; i < check->n_faults; i++) {
		const struct rec_fault *f = &check->faults[i];

		fine = fine && (is_running ? !f->is_unreadable && f->missing_bytes == 0 : rec_fault_is_none(f));
	}
	return fine;
}

static int check_one(int root_fd, const char *id)
{
	struct rec_check check;
	int err = rec_check(&check, root_fd, id);
	bool fine;

	if (err != 0)
		return fail(id, err);
	fine = is_fine(&check);
	printf("%s\t%s\t%" PRId64 " s\t%s%s\n", id,
	    check.info_err != 0 ? "recording.json is unreadable" : rec_state_name(check.info.state),
	    check.duration_90k / 90000, fine ? "ok" : "not whole",
	    rec_check_needs_repair(&check) && !fine ? "\trepair can help" : "");
	for (size_t i = 0; i < check.n_faults; i++)
		say_stretch(&check.faults[i]);
	rec_check_fini(&check);
	return fine ? EXIT_SUCCESS : EXIT_FAILURE;
}

static int check(const struct node_rec_arguments *args, int root_fd)
{
	struct rec_list *all = NULL;
	int status = EXIT_SUCCESS;
	int err;

	if (args->words[1])
		return check_one(root_fd, args->words[1]);
	err = rec_list_read(&all, root_fd, NULL);
	if (err != 0)
		return fail(args->data_dir, err);
	for (size_t i = 0; all && i < all->count; i++) {
		if (check_one(root_fd, all->entries[i].id) != EXIT_SUCCESS)
			status = EXIT_FAILURE;
	}
	rec_list_unref(all);
	return status;
}

/* ---- repair, delete ---- */

static int refuse(const char *id, const char *why)
{
	fprintf(stderr, "%s: %s\n", id, why);
	return EXIT_FAILURE;
}

static struct rec_store store_of(const struct node_rec_arguments *args)
{
	return (struct rec_store){ .disk = rec_disk_real(), .data_dir = args->data_dir };
}

/* What recording.json says, where it can be read: a running one is a node's, a pinned one somebody wants. */
static int look(const struct node_rec_arguments *args, int root_fd, bool *is_running, bool *is_pinned)
{
	int folder_fd = rec_load_folder(root_fd, args->words[1]);
	struct rec_info info;

	*is_running = *is_pinned = false;
	if (folder_fd < 0)
		return fail(args->words[1], folder_fd);
	rec_info_init(&info);
	if (rec_load_info(folder_fd, &info) == 0) {
		*is_running = info.state == REC_RECORDING;
		*is_pinned = info.is_pinned;
	}
	rec_info_fini(&info);
	close(folder_fd);
	return EXIT_SUCCESS;
}

static int repair(const struct node_rec_arguments *args, int root_fd)
{
	const struct rec_store store = store_of(args);
	bool is_running;
	bool is_pinned;
	int status = look(args, root_fd, &is_running, &is_pinned);
	int err;

	if (status != EXIT_SUCCESS)
		return status;
	if (is_running && !args->is_forced)
		return refuse(args->words[1],
		    "録画中です。ノードが動いていないなら --force / is being recorded; --force if no node runs");
	err = rec_repair(&store, root_fd, args->words[1], args->segment_ms);
	return err != 0 ? fail(args->words[1], err) : check_one(root_fd, args->words[1]);
}

static int delete (const struct node_rec_arguments *args, int root_fd)
{
	const struct rec_store store = store_of(args);
	bool is_running;
	bool is_pinned;
	int status = look(args, root_fd, &is_running, &is_pinned);
	int err;

	if (status != EXIT_SUCCESS)
		return status;
	if (is_running && !args->is_forced)
		return refuse(args->words[1], "録画中です / is being recorded");
	if (is_pinned && !args->is_forced)
		return refuse(args->words[1], "保護されています / is pinned");
	err = rec_store_delete(&store, args->words[1]);
	return err != 0 ? fail(args->words[1], err) : EXIT_SUCCESS;
}

/* ---- export ---- */

static int say_export(
    const struct node_rec_arguments *args, enum rec_export_result result, const struct rec_export_report *report)
{
	static const char *const whys[] = {
		[REC_EXPORT_EMPTY] = "何も録画されていません / nothing is recorded in it",
		[REC_EXPORT_OTHER_CODEC] = "途中でコーデックが変わるため一つのファイルにできません / "
					   "another codec begins here: no player follows that in one file",
		[REC_EXPORT_OTHER_RATE] =
		    "途中で音声の形式が変わるため一つのファイルにできません / "
		    "another sample rate or channel count begins here: no player follows that in one file",
		[REC_EXPORT_CANNOT_READ] = "読めません / cannot be read",
	};

	if (result == REC_EXPORT_DONE) {
		printf("%s\t%" PRId64 " s\t%" PRIu64 " bytes\n", args->words[2], report->duration_90k / 90000,
		    report->bytes);
		return EXIT_SUCCESS;
	}
	if (result == REC_EXPORT_CANNOT_WRITE)
		return fail(args->words[2], report->err);
	fprintf(stderr, "%s, %04u.mp4: %s%s%s\n", args->words[1], report->stretch, whys[result],
	    report->err != 0 ? ": " : "", report->err != 0 ? err_text(report->err) : "");
	return EXIT_FAILURE;
}

static int export(const struct node_rec_arguments *args, int root_fd)
{
	struct rec_export_report report;
	enum rec_export_result result;
	struct rec_index index;
	int folder_fd = -1;
	int status;

	if (!args->is_forced && access(args->words[2], F_OK) == 0)
		return refuse(args->words[2], "もうあります / is there already");
	rec_index_init(&index);
	status = load(&index, root_fd, args->words[1], &folder_fd);
	if (status == EXIT_SUCCESS) {
		result = rec_export(&index, folder_fd, args->words[2], &report);
		status = say_export(args, result, &report);
	}
	rec_index_fini(&index);
	if (folder_fd >= 0)
		close(folder_fd);
	return status;
}

/* ---- the table ---- */

static const struct command commands[] = {
	{ "list", 0, 0, list },
	{ "check", 0, 1, check },
	{ "repair", 1, 1, repair },
	{ "delete", 1, 1, delete },
	{ "export", 2, 2, export },
};

static const struct command *find(const struct node_rec_arguments *args)
{
	unsigned n = 0;

	while (n + 1 < NODE_REC_ARGUMENTS_MAX && args->words[n + 1])
		n++;
	for (size_t i = 0; args->words[0] && i < ARRAY_LEN(commands); i++) {
		const struct command *c = &commands[i];

		if (strcmp(c->name, args->words[0]) == 0 && n >= c->min_words && n <= c->max_words)
			return c;
	}
	return NULL;
}

bool node_rec_knows(const struct node_rec_arguments *args)
{
	return find(args) != NULL;
}

int node_rec_run(const struct node_rec_arguments *args)
{
	const struct command *c = find(args);
	int root_fd = rec_load_root(args->data_dir);
	int status;

	/* Before the first recording there is no folder, and nothing in it. */
	if (root_fd == -ENOENT && args->words[1] == NULL)
		return EXIT_SUCCESS;
	if (root_fd < 0)
		return fail(args->words[1] ? args->words[1] : args->data_dir, root_fd);
	status = c->run(args, root_fd);
	close(root_fd);
	return fflush(stdout) == 0 ? status : EXIT_FAILURE;
}
