/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
/*
 * A terminal's modes, from what a program writes to it. Terminal emulators keep most of
 * them to themselves, and a terminal that a program left must be brought back without
 * anybody's help.
 */
#include "session/modes.h"

#include <string.h>

/* What is set by CSI ? N h and reset by CSI ? N l, in the order in which it is set. */
static const struct mode {
	uint16_t number;
	bool on;        /* by default */
	bool alternate; /* the alternate screen */
	bool passing;   /* not set in another terminal: it ends by itself */
} modes[] = {
	{ .number = 1049, .alternate = true },
	{ .number = 1047, .alternate = true },
	{ .number = 47, .alternate = true },
	{ .number = 1 },                     /* cursor keys of applications */
	{ .number = 5 },                     /* everything reverse */
	{ .number = 7, .on = true },         /* wrap at the margin */
	{ .number = 25, .on = true },        /* the cursor is seen */
	{ .number = 9 },                     /* mouse: X10's, */
	{ .number = 1000 },                  /* clicks, */
	{ .number = 1002 },                  /* drags, */
	{ .number = 1003 },                  /* moves; */
	{ .number = 1005 },                  /* told in UTF-8, */
	{ .number = 1006 },                  /* in numbers, */
	{ .number = 1015 },                  /* as urxvt does, */
	{ .number = 1016 },                  /* in pixels */
	{ .number = 1004 },                  /* focus */
	{ .number = 2004 },                  /* pastes have brackets */
	{ .number = 2026, .passing = true }, /* nothing is shown until this is reset */
};
#define MODES     (sizeof(modes) / sizeof(modes[0]))
#define ALTERNATE 7u /* the first three */
_Static_assert(MODES < 31, "bits of uc_modes.changed");
/* CSI 4 h, the only one without a "?" */
#define INSERT (1u << 31)

static void reset(struct uc_modes *m)
{
	const struct uc_modes kept = *m;

	*m = (struct uc_modes){ .state = kept.state };
}

/* The next number of a sequence's parameters; a missing one is 0. */
static unsigned number(const char **at)
{
	unsigned value = 0;

	while (**at >= '0' && **at <= '9') {
		if (value < 100000)
			value = value * 10 + (unsigned)(**at - '0');
		++*at;
	}
	while (**at && !(**at >= '0' && **at <= ';'))
		++*at;
	if (**at == ';' || **at == ':')
		++*at;
	return value;
}

static void set_private(struct uc_modes *m, const char *at, bool on)
{
	while (*at) {
		const unsigned wanted = number(&at);

		for (size_t i = 0; i < MODES; i++) {
			if (modes[i].number != wanted)
				continue;
			if (!on && modes[i].alternate)
				m->changed &= ~ALTERNATE; /* whichever of them began it */
			else if (on != modes[i].on)
				m->changed |= 1u << i;
			else
				m->changed &= ~(1u << i);
		}
	}
}

/* Terminals pass over a region of less than two rows, or upside down. */
static void set_region(struct uc_modes *m, const char *at)
{
	const unsigned top = number(&at), bottom = number(&at);

	if (!uc_modes_is_region(top, bottom))
		return;
	m->region = top > 1 || bottom > 0;
	m->top = (uint16_t)(top ? top : 1);
	m->bottom = (uint16_t)bottom;
}

bool uc_modes_is_region(unsigned top, unsigned bottom)
{
	return top < UC_SESSION_SIDE && bottom < UC_SESSION_SIDE &&
	       (bottom == 0 || (top ? top : 1) < bottom);
}

static void set_ansi(struct uc_modes *m, const char *at, bool on)
{
	while (*at)
		if (number(&at) == 4)
			m->changed = on ? m->changed | INSERT : m->changed & ~INSERT;
}

static void soft_reset(struct uc_modes *m)
{
	const uint32_t screen = m->changed & ALTERNATE;

	reset(m);
	m->changed = screen;
}

/* Keyboards: xterm's modifyOtherKeys, kitty's stack of flags. */
static void set_keyboard(struct uc_modes *m, char lead, const char *at, char final)
{
	const unsigned first = number(&at);

	if (lead == '>' && final == 'm' && first == 4) {
		m->other_keys = (uint8_t)(number(&at) & 3);
	} else if (lead == '>' && final == 'u') {
		m->kitty_set = (uint8_t)(first & 31);
		m->kitty = (uint8_t)(m->kitty + (m->kitty < 250));
	} else if (lead == '<' && final == 'u') {
		m->kitty =
			first < m->kitty ? (uint8_t)(m->kitty - (first ? first : 1)) : 0;
	}
}

/* CSI with its parameters in `at` (no bigger than hold), ending in `final`. */
static void take_csi(struct uc_modes *m, const char *at, char final)
{
	const char lead = *at >= '<' && *at <= '?' ? *at++ : '\0';
	const char between = at[0] ? at[strlen(at) - 1] : '\0';
	const bool is_mode = final == 'h' || final == 'l';

	if (lead == '?' && is_mode)
		set_private(m, at, final == 'h');
	else if (lead)
		set_keyboard(m, lead, at, final);
	else if (is_mode)
		set_ansi(m, at, final == 'h');
	else if (final == 'r')
		set_region(m, at);
	else if (between == ' ' && final == 'q')
		m->cursor_style = (uint8_t)(number(&at) & 7);
	else if (between == '!' && final == 'p')
		soft_reset(m);
}

static void take_escape(struct uc_modes *m, char c)
{
	m->state = UC_MODES_GROUND;
	if (c == '[')
		m->state = UC_MODES_CSI;
	else if (strchr("]PX^_", c)) {
		m->opened_by = (uint8_t)c;
		m->state = UC_MODES_STRING;
	} else if (c == '(' || c == ')')
		m->state = UC_MODES_DESIGNATE;
	else if (c >= ' ' && c <= '/')
		m->state = UC_MODES_INTERMEDIATE;
	else if (c == '=' || c == '>')
		m->keypad = c == '=';
	else if (c == 'c')
		reset(m);
}

/* In a sequence. False: it is over with this byte. */
static bool in_sequence(struct uc_modes *m, char c)
{
	if (c == 0x18 || c == 0x1a) {
		m->state = UC_MODES_GROUND;
	} else if (m->state == UC_MODES_STRING || m->state == UC_MODES_STRING_END) {
		const bool ended = m->state == UC_MODES_STRING_END && c == '\\';

		if (c == 0x1b)
			m->state = UC_MODES_STRING_END;
		else if (ended || (c == 0x07 && m->opened_by == ']'))
			m->state = UC_MODES_GROUND;
		else
			m->state = UC_MODES_STRING;
	} else if (c == 0x1b) {
		m->state = UC_MODES_ESCAPE;
		m->held = 0;
		m->overflow = false;
	} else if ((unsigned char)c < ' ') {
		return true; /* done at once, also in the middle */
	} else if (m->state == UC_MODES_ESCAPE) {
		take_escape(m, c);
	} else if (m->state == UC_MODES_DESIGNATE) {
		m->charset[m->hold[1] == ')'] = c == 'B' ? '\0' : c;
		m->state = UC_MODES_GROUND;
	} else if (m->state == UC_MODES_INTERMEDIATE) {
		if (c > '/')
			m->state = UC_MODES_GROUND;
	} else if (c >= '@' && c <= '~') {
		m->state = UC_MODES_GROUND;
		if (!m->overflow) {
			m->hold[m->held] = '\0';
			take_csi(m, m->hold + 2, c);
		}
	}
	return m->state != UC_MODES_GROUND;
}

static void hold(struct uc_modes *m, char c)
{
	if (m->held < sizeof(m->hold) - 1)
		m->hold[m->held++] = c;
	else
		m->overflow = true;
}

static void in_ground(struct uc_modes *m, char c)
{
	const unsigned char u = (unsigned char)c;

	if (u == 0x1b) {
		m->state = UC_MODES_ESCAPE;
		m->overflow = false;
		m->missing = m->held = 0;
		hold(m, c);
	} else if (u >= 0xc2 && u < 0xf5) {
		m->missing = u < 0xe0 ? 1 : u < 0xf0 ? 2 : 3;
		m->held = 0;
		hold(m, c);
	} else if ((u & 0xc0) == 0x80 && m->missing) {
		hold(m, c);
		if (--m->missing == 0)
			m->held = 0;
	} else {
		m->missing = m->held = 0;
		if (u == 0x0e || u == 0x0f)
			m->shifted = u == 0x0e;
	}
}

void uc_modes_feed(struct uc_modes *m, const char *bytes, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		if (m->state == UC_MODES_GROUND) {
			in_ground(m, bytes[i]);
			continue;
		}
		if (!in_sequence(m, bytes[i]))
			m->held = 0;
		else
			hold(m, bytes[i]);
	}
}

bool uc_modes_alternate(const struct uc_modes *m)
{
	return m->changed & ALTERNATE;
}

static void put_mode(struct uc_buf *out, const struct mode *mode, bool on)
{
	uc_buf_addf(out, "\x1b[?%u%c", mode->number, on ? 'h' : 'l');
}

void uc_modes_set(const struct uc_modes *m, struct uc_buf *out)
{
	for (size_t i = 0; i < MODES; i++)
		if ((m->changed & 1u << i) && !modes[i].passing && !modes[i].alternate)
			put_mode(out, &modes[i], !modes[i].on);
	if (m->changed & INSERT)
		uc_buf_add(out, "\x1b[4h");
	if (m->keypad)
		uc_buf_add(out, "\x1b=");
	for (int i = 0; i < 2; i++)
		if (m->charset[i])
			uc_buf_addf(out, "\x1b%c%c", "()"[i], m -> charset[i]);
	if (m->shifted)
		uc_buf_add(out, "\x0e");
	if (m->cursor_style)
		uc_buf_addf(out, "\x1b[%u q", m->cursor_style);
	for (unsigned i = 0; i < m->kitty; i++)
		uc_buf_addf(out, "\x1b[>%uu", m->kitty_set);
	if (m->other_keys)
		uc_buf_addf(out, "\x1b[>4;%um", m->other_keys);
}

void uc_modes_undo(const struct uc_modes *m, struct uc_buf *out)
{
	/* what was begun ends here */
	uc_buf_add(out, m->state == UC_MODES_GROUND ? "" : "\x18");
	if (m->state == UC_MODES_STRING || m->state == UC_MODES_STRING_END)
		uc_buf_add(out, "\x1b\\");
	if (m->other_keys)
		uc_buf_add(out, "\x1b[>4m");
	if (m->kitty)
		uc_buf_addf(out, "\x1b[<%uu", m->kitty);
	if (m->cursor_style)
		uc_buf_add(out, "\x1b[0 q");
	if (m->charset[0] || m->charset[1] || m->shifted)
		uc_buf_add(out, "\x0f\x1b(B\x1b)B");
	if (m->keypad)
		uc_buf_add(out, "\x1b>");
	if (m->changed & INSERT)
		uc_buf_add(out, "\x1b[4l");
	if (m->region)
		uc_buf_add(out, "\x1b"
				"7\x1b[r\x1b"
				"8");
	uc_buf_add(out, "\x1b[m");
	for (size_t i = MODES; i-- > 0;)
		if (m->changed & 1u << i)
			put_mode(out, &modes[i], modes[i].on);
}

void uc_modes_unfinished(const struct uc_modes *m, struct uc_buf *out)
{
	if (!m->overflow)
		uc_buf_addn(out, m->hold, m->held);
	else if (m->state == UC_MODES_STRING || m->state == UC_MODES_STRING_END)
		/* its rest goes where nobody sees it */
		uc_buf_addf(out, "\x1b%c9999;%s", m->opened_by,
			    m->state == UC_MODES_STRING_END ? "\x1b" : "");
	else if (m->state == UC_MODES_CSI)
		uc_buf_add(out, "\x1b[9999;");
}
