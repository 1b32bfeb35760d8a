/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/oom_folder.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { PATH_BYTES = 512 };

static char folder[] = "/tmp/isaribi-oom-XXXXXX"; /* mkdtemp writes the end of it */
static const char *above = "/tmp";

const char *oom_folder_above(void)
{
	return above;
}

static void remove_what_is_in(const char *path)
{
	char child[PATH_BYTES];
	DIR *dir = opendir(path);
	struct dirent *entry;

	while (dir && (entry = readdir(dir)) != NULL) {
		if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0 ||
		    (size_t)snprintf(child, sizeof(child), "%s/%s", path, entry->d_name) >= sizeof(child))
			continue;
		if (entry->d_type == DT_DIR)
			oom_folder_remove(child);
		else
			(void)!unlink(child);
	}
	if (dir)
		closedir(dir);
}

void oom_folder_remove(const char *path)
{
	remove_what_is_in(path);
	(void)!rmdir(path);
}

int oom_folder_open(void)
{
	memset(folder + strlen(folder) - 6, 'X', 6); /* a program may rerun two groups of cases */
	if (!mkdtemp(folder))
		return -1;
	above = folder;
	return 0;
}

void oom_folder_empty(void)
{
	remove_what_is_in(folder);
}

void oom_folder_close(void)
{
	oom_folder_remove(folder);
	above = "/tmp";
}
