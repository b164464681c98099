/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
/*
 * The terminal of --watch: a screen of its own, drawn anew in one write. The sequences
 * are those that xterm, tmux, screen and the Linux console have in common; one that a
 * terminal does not know it ignores.
 */
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>
#include <ucluster/units.h>
#include "uqueue/watch.h"

/* Its own screen, no cursor, no wrapping. */
#define ENTER "\033[?1049h\033[?25l\033[?7l"
#define LEAVE "\033[?7h\033[?25h\033[?1049l"
#define CLEAR "\033[H\033[2J"

/* Above the rows: what it is, headings; below: the keys. */
#define OTHER_LINES 4
#define LEAST_LINES 6

static void put(const char *text)
{
	fputs(text, stdout);
}

void watch_screen_measure(struct watch *w)
{
	struct winsize size;

	w->lines = 24;
	if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) < 0)
		return;
	if (size.ws_row > 0)
		w->lines = size.ws_row < LEAST_LINES ? LEAST_LINES : size.ws_row;
	if (size.ws_col > 0)
		w->run->columns = size.ws_col;
}

/* Keys come one by one and are not shown; Ctrl-C stays a signal. */
int watch_screen_begin(struct watch *w, struct uc_error *err)
{
	struct termios raw;

	if (w->run->stdin_tty) {
		if (tcgetattr(STDIN_FILENO, &w->cooked) < 0)
			return uc_fail(err, UC_FAILED, "the terminal cannot be set up");
		raw = w->cooked;
		raw.c_lflag &= ~(tcflag_t)(ICANON | ECHO);
		raw.c_cc[VMIN] = 1;
		raw.c_cc[VTIME] = 0;
		tcsetattr(STDIN_FILENO, TCSADRAIN, &raw);
	}
	put(ENTER);
	watch_screen_measure(w);
	return fflush(stdout) == 0
		       ? 0
		       : uc_fail(err, UC_FAILED, "cannot write to the terminal");
}

void watch_screen_end(struct watch *w)
{
	put(LEAVE);
	fflush(stdout);
	if (w->run->stdin_tty)
		tcsetattr(STDIN_FILENO, TCSADRAIN, &w->cooked);
}

size_t watch_screen_rows(const struct watch *w)
{
	return w->lines - OTHER_LINES;
}

/* --- the head --- */

static void add_clock(struct uc_buf *out, int64_t ms)
{
	const time_t when = (time_t)(ms / 1000);
	struct tm tm;
	char text[16];

	if (localtime_r(&when, &tm) && strftime(text, sizeof(text), "%T", &tm))
		uc_buf_add(out, text);
}

static void add_age(struct uc_buf *out, int64_t ms)
{
	uc_duration_words(out, ms > 0 ? ms / 1000 : 0);
}

static void add_counts(struct uc_buf *out, const struct watch *w)
{
	const size_t all = w->now.key_count;

	uc_buf_addf(out, "%zu job%s", all, all == 1 ? "" : "s");
	if (all)
		uc_buf_addf(out, ": %zu run, %zu wait", w->now.run, w->now.wait);
}

static void add_pace(struct uc_buf *out, const struct watch *w)
{
	uc_buf_add(out, "   every ");
	uc_duration_words(out, (w->pause_ms + 999) / 1000);
	if (w->pause_ms > w->interval_ms)
		uc_buf_add(out, " (slurmctld is slow)");
}

/* Cut to the line; with `sgr` in colour. */
static void put_line(const struct watch *w, struct uc_buf *text, const char *sgr)
{
	if (!text->failed && text->data)
		text->data[uc_text_clip(text->data, (size_t)w->run->columns)] = '\0';
	if (sgr && w->run->color)
		printf("\033[%sm%s\033[0m\n", sgr, uc_buf_text(text));
	else
		printf("%s\n", uc_buf_text(text));
}

static void put_head(const struct watch *w)
{
	uc_auto(buf) struct uc_buf line = { 0 }, second = { 0 };
	const int64_t now = watch_clock_ms();

	if (w->now.jobs) {
		add_counts(&line, w);
		uc_buf_add(&line, "   ");
		add_clock(&line, w->asked.at_ms);
		uc_buf_add(&line, ", ");
		add_age(&line, now - w->asked.at_ms);
		uc_buf_addf(&line, " ago   slurmctld %lld ms",
			    (long long)w->asked.took_ms);
		add_pace(&line, w);
	} else if (!w->err.text[0]) {
		uc_buf_add(&line, "asking slurmctld ...");
	}
	put_line(w, &line, "1");
	uc_buf_safe(&second, uc_raw(w->err.text), w->run->safe);
	put_line(w, &second, uc_role_sgr(UC_ROLE_BAD));
}

/* --- the rows --- */

static const struct watch *watch_of(const void *context)
{
	return (const struct watch *)((const char *)context -
				      offsetof(struct watch, context));
}

static void get_mark(const void *row, const void *context, struct uc_value *out)
{
	static const enum uc_role roles[] = {
		['+'] = UC_ROLE_GOOD, ['~'] = UC_ROLE_WAIT, ['-'] = UC_ROLE_FAINT
	};
	const char mark = watch_rows_mark(watch_of(context), row);

	uc_buf_addc(&out->scratch, mark);
	out->type = UC_VALUE_TEXT;
	out->text = uc_raw(uc_buf_text(&out->scratch));
	out->role = mark == ' ' ? UC_ROLE_PLAIN : roles[(unsigned char)mark];
}

static void put_rows(struct watch *w)
{
	static const struct uc_column mark = { " ", "mark", 0, 0, "", get_mark };
	const size_t most = watch_screen_rows(w), all = w->now.rows.count;
	struct uc_listing listing = w->list.listing;
	struct uc_selection shown = { .column = { &mark }, .count = 1 };
	struct uc_table table = { .name = "jobs",
				  .row_size = sizeof(*w->now.rows.row),
				  .context = &w->context,
				  .now = w->context.now };

	if (w->top + most > all)
		w->top = all > most ? all - most : 0;
	table.rows = w->now.rows.row + w->top;
	table.count = all - w->top < most ? all - w->top : most;
	for (size_t i = 0; i < w->list.shown.count && shown.count < UC_SELECTION_MAX; i++)
		shown.column[shown.count++] = w->list.shown.column[i];
	listing.noheader = false;
	if (table.count)
		uc_table_print(w->run, &table, &shown, &listing);
}

static void put_foot(const struct watch *w)
{
	uc_auto(buf) struct uc_buf line = { 0 };
	const size_t all = w->now.rows.count, most = watch_screen_rows(w);

	uc_buf_add(&line, "q quit  space ask now  + new  ~ changed  - gone");
	if (all > most)
		uc_buf_addf(&line, "  %zu-%zu of %zu: arrows, PgUp, PgDn", w->top + 1,
			    w->top + most, all);
	if (!line.failed)
		line.data[uc_text_clip(line.data, (size_t)w->run->columns)] = '\0';
	printf("\033[%zu;1H%s", w->lines, uc_buf_text(&line));
}

void watch_screen_draw(struct watch *w)
{
	put(CLEAR);
	put_head(w);
	put_rows(w);
	put_foot(w);
	fflush(stdout);
}
