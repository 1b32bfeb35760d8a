/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The files of recordings over HTTP: a stretch, whole or a range of it, read as the client takes it.
 *
 * Owner: the delivery thread. Lifetime: a part of packager/deliver_rec, which decides who may see what.
 */
#ifndef ISARIBI_PACKAGER_DELIVER_REC_FILE_H
#define ISARIBI_PACKAGER_DELIVER_REC_FILE_H

#include <stdint.h>

#include "base/http_request.h"

struct deliver_rec_files;
struct loop;
struct rec_reader;

/* wait_ms: who waits longer for a first byte gets 503. 0 or -ENOMEM. */
int deliver_rec_files_create(
    struct deliver_rec_files **out, struct loop *loop, struct rec_reader *reader, unsigned wait_ms);
void deliver_rec_files_destroy(struct deliver_rec_files **files);
/* Answers request later with NNNN.mp4 of the recording, as far as whole fragments reach. */
void deliver_rec_files_serve(
    struct deliver_rec_files *files, struct http_request *request, const char *id, unsigned stretch);
/* Every second: who has waited too long for the disk gets 503, or no more. */
void deliver_rec_files_tick(struct deliver_rec_files *files, int64_t now_us);

#endif
