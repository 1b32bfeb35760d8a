/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is on a channel at a moment, and why (design §8). Pure: the plan, the time and what is known of streams and
 * clips go in.
 *
 * Owner: the caller. Lifetime: nothing is kept. Not here: how the channel gets there (packager/channel).
 *
 * In this order: what a host put on by hand, in its window; the stream of the slot that is on the air; the filler clips
 * in turn; the slate. A stream or clip that is wanted and cannot be shown gives the slate with its reason, never the
 * next lower thing: nobody should see a filler because a cable is loose. Only fillers stand in for each other.
 */
#ifndef ISARIBI_PACKAGER_CHANNEL_RULES_H
#define ISARIBI_PACKAGER_CHANNEL_RULES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "config/plan.h"
#include "packager/channel_health.h"

enum channel_kind {
	CHANNEL_SLATE,
	CHANNEL_LIVE,
	CHANNEL_CLIP,
};

/* CHANNEL_WHY(id, name, ja, en): why a channel shows what it shows. The name is the API's. */
#define CHANNEL_WHYS(CHANNEL_WHY)                                                                                \
	CHANNEL_WHY(NOTHING, "nothing", "いま放送する予定のものはありません", "nothing is planned for now")      \
	CHANNEL_WHY(OVERRIDE, "override", "担当者が手動で選んでいます", "put on by hand")                        \
	CHANNEL_WHY(SLOT, "slot", "番組表のとおりです", "its slot is on the air")                                \
	CHANNEL_WHY(FILLER, "filler", "番組の間の映像です", "fills the time between programmes")                 \
	CHANNEL_WHY(ABSENT, "absent", "配信がまだ始まっていません", "the stream has not come yet")               \
	CHANNEL_WHY(LOST, "lost", "配信が途切れています", "the stream has broken off")                           \
	CHANNEL_WHY(RETURNING, "returning", "配信が戻りました。安定するまで数秒待ちます",                        \
	    "the stream is back; a few seconds to see that it stays")                                            \
	CHANNEL_WHY(MISFIT, "misfit", "配信の映像か音声の形式がこのチャンネルに合いません",                      \
	    "the stream does not fit this channel's profile")                                                    \
	CHANNEL_WHY(TAKEN_DOWN, "taken_down", "取り下げられました", "it was taken down")                         \
	CHANNEL_WHY(WAITING, "waiting", "次のキーフレームで切り替わります", "it begins with its next key frame") \
	CHANNEL_WHY(NO_KEY_FRAME, "no_key_frame",                                                                \
	    "キーフレームが 10 秒以上届きません。エンコーダーのキーフレーム間隔を 2 秒にしてください",           \
	    "no key frame for 10 s: set the encoder's key frame interval to 2 s")                                \
	CHANNEL_WHY(CLIP_LATE, "clip_late", "クリップの読み込みを待っています", "the clip is still being read")  \
	CHANNEL_WHY(CLIP_BROKEN, "clip_broken", "クリップを読めません", "the clip cannot be read")

#define CHANNEL_WHY_ENUM(id, name, ja, en) CHANNEL_WHY_##id,
enum channel_why {
	CHANNEL_WHYS(CHANNEL_WHY_ENUM) CHANNEL_WHY_COUNT,
};
#undef CHANNEL_WHY_ENUM

/* Static text. */
const char *channel_why_name(enum channel_why why);
const char *channel_why_ja(enum channel_why why);
const char *channel_why_en(enum channel_why why);

/* What the plan does not say. */
struct channel_facts {
	void *arg;
	enum channel_verdict (*verdict)(void *arg, const char *stream);
	bool (*is_usable)(void *arg, const char *clip);
	size_t turn; /* which filler is next; counted modulo their number */
};

struct channel_choice {
	enum channel_kind kind;
	enum channel_why why;
	int64_t next_ms;  /* the plan gives the same answer until then; INT64_MAX: for good */
	size_t filler;	  /* which it is; only for why FILLER */
	char id[ID_SIZE]; /* stream or clip; of a slate what would be on if it could, or "" */
};

/* plan NULL: nothing is planned. */
void channel_rules_choose(
    struct channel_choice *out, const struct plan_channel *plan, int64_t now_ms, const struct channel_facts *facts);

#endif
