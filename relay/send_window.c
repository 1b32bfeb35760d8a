/* SPDX-License-Identifier: Apache-2.0 */
#include "relay/send_window.h"

void send_window_init(struct send_window *window)
{
	*window = (struct send_window){ .messages = SEND_WINDOW_MESSAGES };
}

size_t send_window_room(const struct send_window *window, size_t unacknowledged)
{
	return unacknowledged < window->messages ? window->messages - unacknowledged : 0;
}

static bool has_shrunk(const struct send_window *window, size_t waiting)
{
	return waiting + window->held_waiting / SEND_WINDOW_SHRINKS_BY < window->held_waiting;
}

void send_window_hold(struct send_window *window, size_t waiting, int64_t now_us)
{
	if (window->is_held && now_us - window->held_since_us < SEND_WINDOW_HELD_US)
		return;
	if (window->is_held && !has_shrunk(window, waiting) && window->messages < SEND_WINDOW_MAX_MESSAGES)
		window->messages *= 2;
	window->is_held = true;
	window->held_since_us = now_us;
	window->held_waiting = waiting;
}

void send_window_pass(struct send_window *window)
{
	window->is_held = false;
}
