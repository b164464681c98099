/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
#include "udash/term.h"

#include <curses.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <term.h>
#undef columns /* a macro of terminfo */
#include <termios.h>
#include <unistd.h>
#include "udash/quiet.h"

/* Milliseconds that may lie between Esc and the rest of a key's sequence. */
#define ESC_DELAY 25

/* One terminal is all a process has; a handler of fatal signals needs to find it. */
static struct {
	SCREEN *screen;
	FILE *out;
	struct termios cooked;
	bool on, is_tty, color, all;
	struct dash_quiet quiet;
	struct dash_cell *shown; /* NULL: not known */
	int rows, columns;       /* of these */
	char restore[256];       /* what a signal handler writes */
	size_t restore_len;
} term = { .quiet = DASH_QUIET };

/* --- fatal signals --- */

static const int fatal[] = { SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT, SIGSYS };

/* Only what may be called here: the terminal is as it was, then die of it. */
static void restore_and_die(int number)
{
	if (term.on) {
		ssize_t done = write(STDOUT_FILENO, term.restore, term.restore_len);

		(void)done;
		tcsetattr(STDIN_FILENO, TCSANOW, &term.cooked);
		dash_quiet_leave(&term.quiet);
	}
	signal(number, SIG_DFL);
	raise(number);
}

static void add_restore(const char *text)
{
	const size_t len = text && text != (char *)-1 ? strlen(text) : 0;

	/* padding ("$<5>") is for terminals of paper */
	if (!len || strstr(text, "$<") || len > sizeof(term.restore) - term.restore_len)
		return;
	memcpy(term.restore + term.restore_len, text, len);
	term.restore_len += len;
}

static void prepare_restore(void)
{
	struct sigaction action = { .sa_handler = restore_and_die };

	term.restore_len = 0;
	add_restore(exit_attribute_mode);
	add_restore(keypad_local);
	add_restore(cursor_normal);
	add_restore(exit_ca_mode);
	for (size_t i = 0; i < sizeof(fatal) / sizeof(fatal[0]); i++)
		sigaction(fatal[i], &action, NULL);
}

/* --- colours --- */

/* Of 16 colours; then, on a light background, of 16 and of 256: yellow is no use there.
 */
static const struct {
	short dark, light, light256; /* -1: the terminal's own */
	attr_t with, without;        /* attributes in colour, and where there is none */
} roles[DASH_ROLES] = {
	[DASH_PLAIN] = { -1, -1, -1, A_NORMAL, A_NORMAL },
	[DASH_FAINT] = { -1, -1, -1, A_DIM, A_NORMAL },
	[DASH_STRONG] = { -1, -1, -1, A_BOLD, A_BOLD },
	[DASH_GOOD] = { COLOR_GREEN, COLOR_GREEN, 28, A_NORMAL, A_NORMAL },
	[DASH_WAIT] = { COLOR_YELLOW, COLOR_MAGENTA, 130, A_NORMAL, A_NORMAL },
	[DASH_BAD] = { COLOR_RED, COLOR_RED, 124, A_NORMAL, A_BOLD },
	[DASH_MINE] = { COLOR_CYAN, COLOR_BLUE, 25, A_BOLD, A_BOLD },
	[DASH_HEAD] = { -1, -1, -1, A_BOLD | A_UNDERLINE, A_BOLD | A_UNDERLINE },
	[DASH_SORTED] = { -1, -1, -1, A_BOLD | A_REVERSE, A_BOLD | A_REVERSE },
	[DASH_BAR] = { -1, -1, -1, A_REVERSE, A_REVERSE },
};

static void start_colours(const struct dash_term_options *options)
{
	term.color = options->color && has_colors() && start_color() == OK &&
		     use_default_colors() == OK;
	for (short i = 0; term.color && i < DASH_ROLES; i++)
		init_pair((short)(i + 1),
			  !options->light ? roles[i].dark
			  : COLORS >= 256 ? roles[i].light256
					  : roles[i].light,
			  -1);
}

static attr_t attributes(const struct dash_cell *cell, short *pair)
{
	attr_t attr = term.color ? roles[cell->role].with : roles[cell->role].without;

	*pair = term.color && roles[cell->role].dark >= 0 ? (short)(cell->role + 1) : 0;
	if (cell->flags & DASH_SELECTED)
		attr ^= A_REVERSE;
	if (cell->flags & DASH_MARKED)
		attr |= A_BOLD;
	if (cell->flags & DASH_FOUND)
		attr |= A_UNDERLINE | A_BOLD;
	return attr;
}

/* --- on and off --- */

void dash_term_mouse(bool on)
{
	if (!term.on)
		return;
	mouseinterval(0);
	mousemask(on ? BUTTON1_PRESSED | BUTTON4_PRESSED | BUTTON5_PRESSED : 0, NULL);
}

static void set_modes(bool mouse)
{
	raw();
	noecho();
	nonl();
	keypad(stdscr, TRUE);
	dash_term_define_keys();
	nodelay(stdscr, TRUE);
	set_escdelay(ESC_DELAY);
	curs_set(0);
	leaveok(stdscr, TRUE);
	if (mouse)
		dash_term_mouse(true);
}

static bool can_draw(const char *name)
{
	int found = 0;
	bool can;

	if (!name || !name[0] || strcmp(name, "dumb") == 0 ||
	    setupterm(name, STDOUT_FILENO, &found) != OK)
		return false;
	can = cursor_address != NULL;
	del_curterm(cur_term);
	return can;
}

int dash_term_open(const struct dash_term_options *options, struct uc_error *err)
{
	const char *name = options->term;

	if (!can_draw(name)) {
		uc_fail(err, UC_USAGE,
			"udash draws on a terminal, and TERM is '%s', which cannot be "
			"drawn on",
			name ? name : "");
		return uc_hint(err, "'uqueue --watch' and 'udash --dump' do without");
	}
	term.is_tty = tcgetattr(STDIN_FILENO, &term.cooked) == 0;
	dash_quiet_begin(&term.quiet);
	term.out = stdout;
	term.screen = newterm(name, stdout, stdin);
	if (!term.screen) {
		dash_quiet_end(&term.quiet);
		return uc_fail(err, UC_FAILED, "the terminal cannot be set up");
	}
	term.on = true;
	set_term(term.screen);
	start_colours(options);
	set_modes(options->mouse);
	prepare_restore();
	return 0;
}

void dash_term_close(void)
{
	if (!term.screen)
		return;
	if (term.on)
		endwin();
	term.on = false;
	delscreen(term.screen);
	term.screen = NULL;
	free(term.shown);
	term.shown = NULL;
	for (size_t i = 0; i < sizeof(fatal) / sizeof(fatal[0]); i++)
		signal(fatal[i], SIG_DFL);
	dash_quiet_end(&term.quiet);
}

void dash_term_leave(void)
{
	if (!term.on)
		return;
	endwin();
	fflush(stdout);
	term.on = false;
	dash_quiet_leave(&term.quiet);
}

void dash_term_return(void)
{
	if (term.on || !term.screen)
		return;
	dash_quiet_return(&term.quiet);
	term.on = true;
	reset_prog_mode();
	refresh();
	term.all = true;
	flushinp();
}

void dash_term_size(int *rows, int *columns)
{
	getmaxyx(stdscr, *rows, *columns);
}

void dash_term_redraw(void)
{
	term.all = true;
}

/* --- drawing --- */

static void show_cell(const struct dash_cell *cell, int row, int column, bool last)
{
	wchar_t wide[CCHARW_MAX + 1] = L" ";
	cchar_t one;
	short pair;
	attr_t attr = attributes(cell, &pair);

	if (cell->text[0]) {
		mbstate_t state = { 0 };
		const char *from = cell->text;

		if (mbsrtowcs(wide, &from, CCHARW_MAX, &state) == (size_t)-1)
			wcscpy(wide, L"?");
	}
	/* where a line ends, terminals disagree about what marks sit on */
	if (last)
		wide[1] = L'\0';
	if (setcchar(&one, wide, attr, pair, NULL) == OK)
		mvadd_wch(row, column, &one);
}

/* Remember what is there; false: of another size, or nothing is known of it. */
static bool know(const struct dash_grid *grid)
{
	const size_t count = (size_t)grid->rows * (size_t)grid->columns;
	struct dash_cell *cell;

	if (term.shown && term.rows == grid->rows && term.columns == grid->columns)
		return true;
	cell = reallocarray(term.shown, count, sizeof(*cell));
	if (!cell)
		free(term.shown);
	term.shown = cell;
	term.rows = grid->rows;
	term.columns = grid->columns;
	return false;
}

void dash_term_show(const struct dash_grid *grid)
{
	const bool known = know(grid) && !term.all;

	if (!term.on)
		return;
	if (term.all)
		clearok(stdscr, TRUE);
	term.all = false;
	for (int row = 0; row < grid->rows; row++) {
		const size_t from = (size_t)row * (size_t)grid->columns;
		const size_t size = (size_t)grid->columns * sizeof(*grid->cell);

		/* a line that is another is written as a whole: halves of wide
		 * characters go with their neighbours */
		if (known && memcmp(&grid->cell[from], &term.shown[from], size) == 0)
			continue;
		if (term.shown)
			memcpy(&term.shown[from], &grid->cell[from], size);
		for (int column = 0; column < grid->columns; column++) {
			const struct dash_cell *cell = &grid->cell[from + (size_t)column];

			if (cell->width)
				show_cell(cell, row, column,
					  column + cell->width == grid->columns);
		}
	}
	refresh();
}

/* --- keys --- */

bool dash_term_read(struct dash_event *event)
{
	wint_t code = 0;
	int kind;

	if (!term.on)
		return false;
	kind = get_wch(&code);
	if (kind == ERR)
		return false;
	*event = (struct dash_event){ 0 };
	dash_term_key(event, kind == KEY_CODE_YES, code);
	/* where its lines are now is the terminal's secret */
	if (event->key == DASH_KEY_RESIZE)
		term.all = true;
	return true;
}

void dash_term_flush(void)
{
	if (term.on)
		flushinp();
}

/* --- the clipboard --- */

void dash_term_copy(const char *bytes, size_t len)
{
	uc_auto(buf) struct uc_buf text = { 0 };

	if (!term.on || len > 4096)
		return;
	dash_clipboard(&text, bytes, len);
	fputs(uc_buf_text(&text), stdout);
	fflush(stdout);
}
