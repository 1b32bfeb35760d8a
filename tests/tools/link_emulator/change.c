/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/tools/link_emulator/change.h"

#include "base/attr.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

/* Each argument of a setting is a letter: */
enum {
	ARG_TIME = 'T',
	ARG_CHANCE = 'P',
	ARG_COUNT = 'N',
	ARG_RATE = 'R',	  /* or off */
	ARG_BYTES = 'B',  /* or off */
	ARG_QUEUE = 'Q',  /* bytes, a time with its unit, or off */
	ARG_SWITCH = 'S', /* on, off, or on for a time */
	ARG_ORDER = 'O',  /* keep or free */
	ARG_WORD = 'W',
};

static const struct setting {
	const char *name;
	const char *args;
	enum change_key key;
} setting_table[] = {
	{ "delay", "T", CHANGE_DELAY },
	{ "jitter", "T", CHANGE_JITTER },
	{ "order", "O", CHANGE_ORDER },
	{ "loss", "P", CHANGE_LOSS },
	{ "burst", "PN", CHANGE_BURST },
	{ "gilbert", "PPPP", CHANGE_GILBERT },
	{ "reorder", "P", CHANGE_REORDER },
	{ "reorder-by", "T", CHANGE_REORDER_BY },
	{ "duplicate", "P", CHANGE_DUPLICATE },
	{ "corrupt", "P", CHANGE_CORRUPT },
	{ "rate", "R", CHANGE_RATE },
	{ "queue", "Q", CHANGE_QUEUE },
	{ "mtu", "B", CHANGE_MTU },
	{ "rto", "T", CHANGE_RTO },
	{ "outage", "S", CHANGE_OUTAGE },
	{ "freeze", "S", CHANGE_FREEZE },
	{ "cut", "S", CHANGE_CUT },
	{ "clear", "", CHANGE_CLEAR },
	{ "profile", "W", CHANGE_PROFILE },
	{ "target", "W", CHANGE_TARGET },
	{ "rebind", "", CHANGE_REBIND },
	{ "rebind-to", "W", CHANGE_REBIND_TO },
	{ "reset", "", CHANGE_RESET },
};

bool change_is_setting(const struct change *change)
{
	return change->key < CHANGE_CLEAR;
}

static const struct setting *find_setting(const char *name)
{
	for (size_t i = 0; i < ARRAY_LEN(setting_table); i++)
		if (strcmp(setting_table[i].name, name) == 0)
			return &setting_table[i];
	return NULL;
}

static void say_names(const char *found, char error[CHANGE_ERROR_SIZE])
{
	int len = snprintf(error, CHANGE_ERROR_SIZE, "expected up, down, both");

	for (size_t i = 0; i < ARRAY_LEN(setting_table) && len < CHANGE_ERROR_SIZE; i++)
		len += snprintf(error + len, CHANGE_ERROR_SIZE - (size_t)len, ", %s", setting_table[i].name);
	if (len < CHANGE_ERROR_SIZE)
		snprintf(error + len, CHANGE_ERROR_SIZE - (size_t)len, "; found \"%.20s\"", found);
}

static bool parse_number_or_off(struct range *out, const char *word, enum number_kind kind)
{
	if (strcmp(word, "off") == 0) {
		*out = (struct range){ 0, 0 };
		return true;
	}
	return number_parse(out, word, kind) == 0;
}

/* args[0] is bytes, args[1] nanoseconds; a bare number is bytes. */
static bool parse_queue(struct change *change, const char *word)
{
	change->args[0] = change->args[1] = (struct range){ 0, 0 };
	if (word[strlen(word) - 1] != 's' && parse_number_or_off(&change->args[0], word, NUMBER_BYTES))
		return true;
	return strchr("smh", word[strlen(word) - 1]) && number_parse(&change->args[1], word, NUMBER_TIME) == 0;
}

static bool parse_switch(struct range *out, const char *word)
{
	if (strcmp(word, "on") == 0) {
		*out = (struct range){ INFINITY, INFINITY };
		return true;
	}
	return parse_number_or_off(out, word, NUMBER_TIME);
}

/* NULL, or what was expected. */
static const char *parse_arg(struct change *change, size_t i, char kind, const char *word)
{
	struct range *arg = &change->args[i];

	switch (kind) {
	case ARG_TIME: return number_parse(arg, word, NUMBER_TIME) == 0 ? NULL : number_expected(NUMBER_TIME);
	case ARG_CHANCE: return number_parse(arg, word, NUMBER_CHANCE) == 0 ? NULL : number_expected(NUMBER_CHANCE);
	case ARG_COUNT: return number_parse(arg, word, NUMBER_COUNT) == 0 ? NULL : number_expected(NUMBER_COUNT);
	case ARG_RATE:
		return parse_number_or_off(arg, word, NUMBER_RATE) ? NULL
								   : "off or a rate of at least 1kbit, such as 6mbit";
	case ARG_BYTES: return parse_number_or_off(arg, word, NUMBER_BYTES) ? NULL : "off or bytes such as 1200";
	case ARG_QUEUE: return parse_queue(change, word) ? NULL : "off, bytes such as 64000, or a time such as 200ms";
	case ARG_SWITCH: return parse_switch(arg, word) ? NULL : "on, off or a time such as 2s";
	case ARG_ORDER:
		arg->low = strcmp(word, "free") == 0;
		return arg->low != 0 || strcmp(word, "keep") == 0 ? NULL : "keep or free";
	default: snprintf(change->word, sizeof(change->word), "%s", word); return NULL;
	}
}

static int parse_args(struct change *change, const struct setting *setting, const char **text, char *error)
{
	char word[WORD_SIZE];

	for (size_t i = 0; setting->args[i]; i++) {
		bool has_word = word_next(text, word);
		struct change scratch = { 0 };
		const char *expected =
		    parse_arg(has_word ? change : &scratch, i, setting->args[i], has_word ? word : "?");

		if (!has_word && !expected)
			expected = "a name or an address";
		if (!expected)
			continue;
		snprintf(error, CHANGE_ERROR_SIZE, "expected %s after %s, found %s%.40s%s", expected, setting->name,
		    has_word ? "\"" : "", has_word ? word : "the end of the line", has_word ? "\"" : "");
		return -EINVAL;
	}
	return 0;
}

static int check(const struct change *change, char *error)
{
	struct loss_bursts bursts;

	/* The worst pair of a range: the largest share in the shortest bursts. */
	if (change->key != CHANGE_BURST || loss_bursts_of(&bursts, change->args[0].high, change->args[1].low) == 0)
		return 0;
	snprintf(error, CHANGE_ERROR_SIZE, "expected a burst share of at most N / (N + 1) for bursts of N packets");
	return -EINVAL;
}

int change_list_parse(struct change_list *out, const char *text, char error[CHANGE_ERROR_SIZE])
{
	char word[WORD_SIZE];
	unsigned ways = CHANGE_UP | CHANGE_DOWN;

	out->n = 0;
	while (word_next(&text, word)) {
		const struct setting *setting = find_setting(word);
		struct change *change = &out->list[out->n];

		if (strcmp(word, "up") == 0 || strcmp(word, "down") == 0 || strcmp(word, "both") == 0) {
			ways = (word[0] != 'd' ? CHANGE_UP : 0u) | (word[0] != 'u' ? CHANGE_DOWN : 0u);
			continue;
		}
		if (!setting) {
			say_names(word, error);
			return -EINVAL;
		}
		if (out->n == CHANGES_MAX) {
			snprintf(error, CHANGE_ERROR_SIZE, "expected at most %d settings in a line", CHANGES_MAX);
			return -EINVAL;
		}
		*change = (struct change){ .key = setting->key, .ways = ways };
		if (parse_args(change, setting, &text, error) < 0 || check(change, error) < 0)
			return -EINVAL;
		out->n++;
	}
	return 0;
}

static double draw(const struct change *change, size_t i, struct dice *dice)
{
	const struct range *arg = &change->args[i];

	return arg->low == arg->high ? arg->low : dice_between(dice, arg->low, arg->high);
}

static int64_t switch_until(const struct change *change, struct dice *dice, int64_t now_ns)
{
	double time_ns = draw(change, 0, dice);

	if (isinf(time_ns))
		return SETTINGS_FOR_EVER;
	return time_ns > 0 ? now_ns + (int64_t)time_ns : 0;
}

static void apply_gilbert(const struct change *c, struct settings *s, struct dice *dice)
{
	s->bursts.p = draw(c, 0, dice);
	s->bursts.r = draw(c, 1, dice);
	s->bursts.loss_good = draw(c, 2, dice);
	s->bursts.loss_bad = draw(c, 3, dice);
}

void change_apply(const struct change *c, struct settings *s, struct dice *dice, int64_t now_ns)
{
	double share = 0;

	switch (c->key) {
	case CHANGE_DELAY: s->delay_ns = (int64_t)draw(c, 0, dice); break;
	case CHANGE_JITTER: s->jitter_ns = (int64_t)draw(c, 0, dice); break;
	case CHANGE_ORDER: s->may_reorder = c->args[0].low != 0; break;
	case CHANGE_LOSS: s->loss = draw(c, 0, dice); break;
	case CHANGE_BURST:
		share = draw(c, 0, dice);
		(void)loss_bursts_of(&s->bursts, share, draw(c, 1, dice));
		break;
	case CHANGE_GILBERT: apply_gilbert(c, s, dice); break;
	case CHANGE_REORDER: s->reorder = draw(c, 0, dice); break;
	case CHANGE_REORDER_BY: s->reorder_by_ns = (int64_t)draw(c, 0, dice); break;
	case CHANGE_DUPLICATE: s->duplicate = draw(c, 0, dice); break;
	case CHANGE_CORRUPT: s->corrupt = draw(c, 0, dice); break;
	case CHANGE_RATE: s->rate_bps = (int64_t)draw(c, 0, dice); break;
	case CHANGE_QUEUE:
		s->queue_bytes = (int64_t)draw(c, 0, dice);
		s->queue_ns = (int64_t)draw(c, 1, dice);
		break;
	case CHANGE_MTU: s->mtu_bytes = (int64_t)draw(c, 0, dice); break;
	case CHANGE_RTO: s->rto_ns = (int64_t)draw(c, 0, dice); break;
	case CHANGE_OUTAGE: s->outage_until_ns = switch_until(c, dice, now_ns); break;
	case CHANGE_FREEZE: s->freeze_until_ns = switch_until(c, dice, now_ns); break;
	case CHANGE_CUT: s->cut_until_ns = switch_until(c, dice, now_ns); break;
	case CHANGE_CLEAR:
	case CHANGE_PROFILE:
	case CHANGE_TARGET:
	case CHANGE_REBIND:
	case CHANGE_REBIND_TO:
	case CHANGE_RESET: break;
	}
}
