/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
#ifndef UCLUSTER_SESSION_H
#define UCLUSTER_SESSION_H
/*
 * Detachable sessions: a program's terminal is kept by a server on the compute node, and
 * viewers come and go. This is what both sides share: the frames of their byte stream, a
 * terminal's modes, the keys that detach. No frame is trusted: lengths are bounded,
 * unknown types are passed over.
 *
 *	uc_session_put(&out, UC_SESSION_INPUT, key, 1);
 *	while ((used = uc_session_get(in, len, &frame, &err)) > 0)
 *		...
 *
 * A frame is 8 bytes (0x55, its type, two zeros, the length of what it carries in little
 * endian), what it carries, and a line break: Slurm holds a step's output back until a
 * line is whole.
 */
#include <stdint.h>
#include <ucluster/error.h>
#include <ucluster/text.h>

#ifdef __cplusplus
extern "C" {
#endif

#define UC_SESSION_VERSION 1
#define UC_SESSION_MAX     65536 /* bytes that a frame carries, at most */
#define UC_SESSION_HEAD    8
#define UC_SESSION_SIDE    2000 /* columns or rows, at most */

enum uc_session_type {
	/* of viewers */
	UC_SESSION_ATTACH = 1, /* struct uc_session_attach; comes first */
	UC_SESSION_INPUT = 2,  /* what was typed */
	UC_SESSION_RESIZE = 3, /* struct uc_session_size */
	UC_SESSION_REDRAW = 4, /* nothing: draw the screen anew */
	UC_SESSION_DETACH = 5, /* nothing: let me go */
	/* of the server */
	UC_SESSION_WELCOME = 16, /* struct uc_session_size: what the program has */
	UC_SESSION_RESET = 17,   /* nothing: what follows begins in a fresh terminal */
	UC_SESSION_OUTPUT = 18,  /* bytes for the terminal */
	UC_SESSION_NOTICE = 19,  /* a line for the user, shown at once */
	UC_SESSION_EXIT = 20,    /* struct uc_session_exit; the last one */
	UC_SESSION_REFUSED = 21, /* why, a line; the last one */
	/* of both, at least every UC_SESSION_ALIVE_MS */
	UC_SESSION_ALIVE = 32, /* nothing */
};
#define UC_SESSION_ALIVE_MS  5000
#define UC_SESSION_SILENT_MS 30000 /* so long without a word is gone */

/* The data is borrowed from the bytes that were read. */
struct uc_session_frame {
	enum uc_session_type type;
	const char *data;
	size_t len;
};
/* Add one frame; len is at most UC_SESSION_MAX. */
void uc_session_put(struct uc_buf *out, enum uc_session_type type, const void *data,
		    size_t len);
/* Add as many frames as it takes. */
void uc_session_put_all(struct uc_buf *out, enum uc_session_type type, const void *data,
			size_t len);
/*
 * Take one frame from the front. The bytes it took, 0: more are needed; -1: no such peer
 * speaks here (UC_INVALID).
 */
long uc_session_get(const char *bytes, size_t len, struct uc_session_frame *frame,
		    struct uc_error *err) UC_MUST_CHECK;

struct uc_session_size {
	uint16_t columns, rows; /* 1 to UC_SESSION_SIDE */
};
struct uc_session_attach {
	uint16_t version;
	struct uc_session_size size;
	bool read_only;
	uint32_t history; /* lines of scrollback wanted */
};
enum uc_session_end {
	UC_SESSION_ENDED,     /* the program did */
	UC_SESSION_IDLE,      /* it was idle for too long */
	UC_SESSION_CANCELLED, /* the job was, or its time is up */
};
struct uc_session_exit {
	int32_t status; /* as wait(2) gives it */
	enum uc_session_end end;
};
void uc_session_put_size(struct uc_buf *out, enum uc_session_type type,
			 const struct uc_session_size *size);
void uc_session_put_attach(struct uc_buf *out, const struct uc_session_attach *attach);
void uc_session_put_exit(struct uc_buf *out, const struct uc_session_exit *over);
/* Read what a frame of that type carries; UC_INVALID. Sizes are cut to the allowed. */
int uc_session_read_size(const struct uc_session_frame *frame,
			 struct uc_session_size *size,
			 struct uc_error *err) UC_MUST_CHECK;
int uc_session_read_attach(const struct uc_session_frame *frame,
			   struct uc_session_attach *attach,
			   struct uc_error *err) UC_MUST_CHECK;
int uc_session_read_exit(const struct uc_session_frame *frame,
			 struct uc_session_exit *over,
			 struct uc_error *err) UC_MUST_CHECK;

/*
 * The modes that programs set in a terminal, read from their output: so that another
 * terminal can be brought to them, and this one back. Zero-initialise; a value.
 */
struct uc_modes {
	uint32_t changed; /* bit N: mode N of the table is not as it is by default */
	bool keypad, shifted, region;
	char charset[2];          /* 0: ASCII, else the designating byte */
	uint16_t top, bottom;     /* of the scroll region */
	uint8_t cursor_style;     /* 0 = default */
	uint8_t kitty, kitty_set; /* pushes of the kitty keyboard's flags; the last one */
	uint8_t other_keys;       /* xterm's modifyOtherKeys */

	/* the sequence that is not yet over */
	uint8_t state;
	uint8_t missing;   /* bytes of a UTF-8 character */
	uint8_t held;      /* bytes in hold */
	bool overflow;     /* there were more */
	uint8_t opened_by; /* what began a string: ] P X ^ _ */
	char hold[96];
};
void uc_modes_feed(struct uc_modes *m, const char *bytes, size_t len);
/* Is the alternate screen shown? */
bool uc_modes_alternate(const struct uc_modes *m);
/* What brings a terminal in its default state to these modes, but for its screen. */
void uc_modes_set(const struct uc_modes *m, struct uc_buf *out);
/* What brings it back. Where the cursor is stays as it is, but for the screen's. */
void uc_modes_undo(const struct uc_modes *m, struct uc_buf *out);
/* The beginning of a sequence whose rest is still to come. */
void uc_modes_unfinished(const struct uc_modes *m, struct uc_buf *out);

/* The keys that detach, "ctrl-a d" or "^]"; "none" has none. */
struct uc_detach {
	unsigned char keys[4];
	size_t count;
	size_t at; /* how many of them were typed */
};
/* UC_USAGE: no such keys. */
int uc_detach_parse(struct uc_detach *keys, const char *text,
		    struct uc_error *err) UC_MUST_CHECK;
/* As it is told to people: "Ctrl-a d". */
void uc_detach_name(const struct uc_detach *keys, struct uc_buf *out);
/*
 * What was typed goes to *out, except for keys that may begin the sequence: they are held
 * until it is clear. True: it was typed, the rest of the bytes is not looked at.
 */
bool uc_detach_typed(struct uc_detach *keys, const char *bytes, size_t len,
		     struct uc_buf *out);
/* Nothing more was typed for a while: what is held goes on. */
void uc_detach_flush(struct uc_detach *keys, struct uc_buf *out);

#ifdef __cplusplus
}
#endif
#endif
