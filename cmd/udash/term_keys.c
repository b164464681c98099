/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
/* What curses calls what was typed, and what udash does. */
#include <curses.h>
#include "udash/term.h"

/* What terminals send whose TERM is that of another one: else "1" and "4" are typed. */
void dash_term_define_keys(void)
{
	static const struct {
		const char *sent;
		int key;
	} sequences[] = {
		{ "\033[1~", KEY_HOME }, { "\033[7~", KEY_HOME }, { "\033[H", KEY_HOME },
		{ "\033OH", KEY_HOME },  { "\033[4~", KEY_END },  { "\033[8~", KEY_END },
		{ "\033[F", KEY_END },   { "\033OF", KEY_END },
	};

	for (size_t i = 0; i < sizeof(sequences) / sizeof(sequences[0]); i++)
		if (key_defined(sequences[i].sent) == 0)
			define_key(sequences[i].sent, sequences[i].key);
}

static const struct {
	int curses;
	int key;
} keys[] = {
	{ KEY_UP, DASH_KEY_UP },
	{ KEY_DOWN, DASH_KEY_DOWN },
	{ KEY_LEFT, DASH_KEY_LEFT },
	{ KEY_RIGHT, DASH_KEY_RIGHT },
	{ KEY_PPAGE, DASH_KEY_PAGE_UP },
	{ KEY_NPAGE, DASH_KEY_PAGE_DOWN },
	{ KEY_HOME, DASH_KEY_HOME },
	{ KEY_FIND, DASH_KEY_HOME },
	{ KEY_END, DASH_KEY_END },
	{ KEY_SELECT, DASH_KEY_END },
	{ KEY_ENTER, DASH_KEY_ENTER },
	{ KEY_BTAB, DASH_KEY_BACKTAB },
	{ KEY_BACKSPACE, DASH_KEY_BACKSPACE },
	{ KEY_DC, DASH_KEY_DELETE },
	{ KEY_RESIZE, DASH_KEY_RESIZE },
};

static int special_key(int code)
{
	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
		if (keys[i].curses == code)
			return keys[i].key;
	if (code > KEY_F0 && code <= KEY_F(12))
		return DASH_KEY_F + code - KEY_F0;
	return DASH_KEY_NONE;
}

static int mouse_key(struct dash_event *event)
{
	MEVENT mouse;

	if (getmouse(&mouse) != OK)
		return DASH_KEY_NONE;
	event->row = mouse.y;
	event->column = mouse.x;
	if (mouse.bstate & BUTTON4_PRESSED)
		return DASH_KEY_WHEEL_UP;
	if (mouse.bstate & BUTTON5_PRESSED)
		return DASH_KEY_WHEEL_DOWN;
	if (mouse.bstate & BUTTON1_PRESSED)
		return DASH_KEY_CLICK;
	return DASH_KEY_NONE;
}

void dash_term_key(struct dash_event *event, bool special, wint_t code)
{
	if (special)
		event->key =
			code == KEY_MOUSE ? mouse_key(event) : special_key((int)code);
	else if (code == '\n' || code == '\r')
		event->key = DASH_KEY_ENTER;
	else if (code == 127 || code == 8)
		event->key = DASH_KEY_BACKSPACE;
	else
		event->key = code < DASH_KEY_FIRST ? (int)code : DASH_KEY_NONE;
}
