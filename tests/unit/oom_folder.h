/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where the folders of tests go: a case that is left half way, as most are when memory runs out, leaves its folder.
 *
 * Owner: the test's thread. Lifetime: oom_rerun.c makes one folder for all cases of its children, and removes what is
 * in it after each of them. Without it folders stand in /tmp, and are removed by the case that made them.
 */
#ifndef ISARIBI_TESTS_UNIT_OOM_FOLDER_H
#define ISARIBI_TESTS_UNIT_OOM_FOLDER_H

/* For the template of mkdtemp(): the folder in which it is to be made, without a '/' at the end. */
const char *oom_folder_above(void);
/* A folder and all that is in it; links are not followed. What cannot be removed stays. */
void oom_folder_remove(const char *path);

/* For oom_rerun.c: 0 or -1, then what was made since, then all of it. */
int oom_folder_open(void);
void oom_folder_empty(void);
void oom_folder_close(void);

#endif
