/* temporary */
#ifndef ISARIBI_INGEST_ADVICE_H
#define ISARIBI_INGEST_ADVICE_H
#include "media/frame.h"
#include "relay/events.h"
struct advice {
	int x;
};
struct advice_note {
	const char *code;
	bool is_on;
	const char *ja;
	const char *en;
};
typedef void (*advice_note_fn)(void *arg, const struct advice_note *note);
static inline void advice_init(struct advice *a)
{
	a->x = 0;
}
static inline void advice_frame(struct advice *a, const struct frame *f)
{
	(void)a;
	(void)f;
}
static inline void advice_evaluate(struct advice *a, int64_t now, advice_note_fn fn, void *arg)
{
	(void)a;
	(void)now;
	(void)fn;
	(void)arg;
}
static inline void advice_health(const struct advice *a, struct event_health *h)
{
	(void)a;
	(void)h;
}
#endif
