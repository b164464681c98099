/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
/* Which columns a list has, how wide they are, and the box where one chooses. */
#include "udash/columns.h"

#include <string.h>
#include "udash/dash.h"

void dash_columns_set(struct dash_columns *c, const struct dash_column *table,
		      size_t count, uint32_t usual)
{
	*c = (struct dash_columns){
		.table = table, .count = count, .usual = usual, .on = usual
	};
}

/* --- widths --- */

static int like(const struct dash_columns *c, size_t i)
{
	return c->wanted[i] ? c->wanted[i] : c->table[i].width;
}

static int least(const struct dash_columns *c, size_t i)
{
	const int liked = like(c, i);

	return liked < c->table[i].least ? liked : c->table[i].least;
}

/* Columns that all of `on` need at the least, with the blanks between them. */
static int need(const struct dash_columns *c, uint32_t on)
{
	int sum = -1;

	for (size_t i = 0; i < c->count; i++)
		if (on >> i & 1)
			sum += least(c, i) + 1;
	return sum;
}

/* The same when all have what they like. */
static int want(const struct dash_columns *c, uint32_t on)
{
	int sum = -1;

	for (size_t i = 0; i < c->count; i++)
		if (on >> i & 1)
			sum += like(c, i) + 1;
	return sum;
}

/* A wide terminal has room for more, the most important first. */
static uint32_t add_extra(const struct dash_columns *c, uint32_t on, int room)
{
	for (int rank = 0; rank < 256 && c->on == c->usual; rank++)
		for (size_t i = 0; i < c->count; i++)
			if (c->table[i].extra && c->table[i].rank == rank &&
			    want(c, on | 1u << i) <= room)
				on |= 1u << i;
	return on;
}

/* Leave out those with the highest rank, the last of them first. */
static uint32_t leave_out(const struct dash_columns *c, uint32_t on, int room)
{
	while (need(c, on) > room) {
		size_t worst = c->count;

		for (size_t i = 0; i < c->count; i++)
			if (on >> i & 1 && c->table[i].rank &&
			    (worst == c->count ||
			     c->table[i].rank >= c->table[worst].rank))
				worst = i;
		if (worst == c->count)
			break;
		on &= ~(1u << worst);
	}
	return on;
}

/* What is left makes columns as wide as they like, the most important first. */
static int widen(struct dash_columns *c, uint32_t on, int left)
{
	for (int rank = 0; left > 0 && rank < 256; rank++)
		for (size_t i = 0; left > 0 && i < c->count; i++) {
			int more = like(c, i) - c->width[i];

			if (!(on >> i & 1) || c->table[i].rank != rank || more <= 0)
				continue;
			more = more < left ? more : left;
			c->width[i] += more;
			left -= more;
		}
	return left;
}

void dash_columns_fit(struct dash_columns *c, int room)
{
	const uint32_t on = leave_out(c, add_extra(c, c->on, room), room);
	int left = room - need(c, on), shares = 0, column = 0;

	for (size_t i = 0; i < c->count; i++) {
		c->width[i] = on >> i & 1 ? least(c, i) : 0;
		shares += on >> i & 1 ? c->table[i].grows : 0;
	}
	left = widen(c, on, left);
	for (size_t i = 0; left > 0 && shares && i < c->count; i++)
		if (on >> i & 1 && c->table[i].grows) {
			const int more = left * c->table[i].grows / shares;

			c->width[i] += more;
			left -= more;
			shares -= c->table[i].grows;
		}
	for (size_t i = 0; i < c->count; i++) {
		c->start[i] = column;
		column += c->width[i] ? c->width[i] + 1 : 0;
	}
}

struct dash_area dash_columns_cell(const struct dash_columns *c, struct dash_area area,
				   int row, size_t which)
{
	return dash_span(area, row, c->start[which], c->width[which]);
}

void dash_columns_head(const struct dash_columns *c, struct dash_area line, size_t sorted)
{
	dash_role_row(line, 0, DASH_HEAD);
	for (size_t i = 0; i < c->count; i++) {
		const struct dash_area span = dash_columns_cell(c, line, 0, i);
		const enum dash_role role = i == sorted ? DASH_SORTED : DASH_HEAD;

		if (!c->width[i])
			continue;
		if (c->table[i].right)
			dash_put_right(span, role, c->table[i].head);
		else
			dash_put(span, 0, 0, role, c->table[i].head);
	}
}

size_t dash_columns_at(const struct dash_columns *c, int column)
{
	for (size_t i = 0; i < c->count; i++)
		if (c->width[i] && column >= c->start[i] &&
		    column <= c->start[i] + c->width[i])
			return i;
	return c->count;
}

/* --- names --- */

void dash_columns_names(const struct dash_columns *c, struct uc_buf *out)
{
	for (size_t i = 0; i < c->count; i++)
		if (c->on >> i & 1)
			uc_buf_addf(out, "%s%s", out->len ? "," : "", c->table[i].name);
}

bool dash_columns_choose(struct dash_columns *c, const char *names)
{
	uint32_t on = 0;
	bool known = true;

	for (names += strspn(names, ", "); *names; names += strspn(names, ", ")) {
		const size_t len = strcspn(names, ", ");
		uint32_t one = 0;

		for (size_t i = 0; i < c->count; i++)
			if (strlen(c->table[i].name) == len &&
			    strncmp(c->table[i].name, names, len) == 0)
				one = 1u << i;
		known = known && one;
		on |= one;
		names += len;
	}
	if (on)
		c->on = on;
	return known && on;
}

/* --- the box --- */

static void list_columns(struct dash *d)
{
	const struct dash_columns *c = &d->columns[d->view];

	uc_strv_free(&d->box.line);
	for (size_t i = 0; i < c->count; i++)
		dash_box_addf(d, "[%c] %-10s %s", c->on >> i & 1 ? 'x' : ' ',
			      c->table[i].name, c->table[i].help);
	dash_box_addf(d, "%-14s as they were at first", "    reset");
}

static bool choose(struct dash *d, int key)
{
	struct dash_columns *c = &d->columns[d->view];
	uint32_t on = c->on;

	if (key != ' ' && key != DASH_KEY_ENTER)
		return false;
	on = d->box.at < c->count ? on ^ 1u << d->box.at : c->usual;
	if (on) /* a list without columns helps nobody */
		c->on = on;
	list_columns(d);
	return true;
}

void dash_columns_show(struct dash *d)
{
	if (!d->columns[d->view].count)
		return;
	dash_box_open(d, "Columns: Space shows or hides, Esc goes back");
	d->box.picks = true;
	d->box.key = choose;
	list_columns(d);
}
