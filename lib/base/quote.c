/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
#include <ucluster/text.h>

#include <string.h>

/* Needs no quotes in sh, bash, zsh, dash. '=' only in options: zsh expands "=cmd". */
static bool is_plain(const char *word)
{
	const char *plain = word[0] == '-' ? "@%+=:,./_-" : "@%+:,./_-";

	for (const char *c = word; *c; c++)
		if (!(*c >= 'a' && *c <= 'z') && !(*c >= 'A' && *c <= 'Z') &&
		    !(*c >= '0' && *c <= '9') && !strchr(plain, *c))
			return false;
	return word[0] != '\0';
}

static void quote_exact(struct uc_buf *buf, const char *word)
{
	uc_buf_addc(buf, '\'');
	for (; *word; word++) {
		if (*word == '\'')
			uc_buf_add(buf, "'\\''");
		else
			uc_buf_addc(buf, *word);
	}
	uc_buf_addc(buf, '\'');
}

/* Without memory the text that it is to go into has failed. */
static bool is_visible(struct uc_buf *buf, const char *word)
{
	uc_auto(buf) struct uc_buf safe = { 0 };

	uc_buf_safe(&safe, uc_raw(word), 0);
	buf->failed = buf->failed || safe.failed;
	return strcmp(uc_buf_text(&safe), word) == 0;
}

/* $'...' of bash, zsh and POSIX 2024: every byte that is not printable ASCII as \OOO. */
static void quote_ansi(struct uc_buf *buf, const char *word)
{
	uc_buf_add(buf, "$'");
	for (; *word; word++) {
		unsigned char c = (unsigned char)*word;

		if (c == '\n')
			uc_buf_add(buf, "\\n");
		else if (c == '\t')
			uc_buf_add(buf, "\\t");
		else if (c == '\'' || c == '\\')
			uc_buf_addf(buf, "\\%c", c);
		else if (c < 0x20 || c >= 0x7f)
			/* three octal digits: \x takes following digits along in ksh */
			uc_buf_addf(buf, "\\%03o", c);
		else
			uc_buf_addc(buf, (char)c);
	}
	uc_buf_addc(buf, '\'');
}

void uc_buf_quote(struct uc_buf *buf, const char *word, enum uc_quote_style style)
{
	if (is_plain(word))
		uc_buf_add(buf, word);
	else if (style == UC_QUOTE_EXACT || is_visible(buf, word))
		quote_exact(buf, word);
	else
		quote_ansi(buf, word);
}

void uc_buf_quote_argv(struct uc_buf *buf, const char *const *argv,
		       enum uc_quote_style style)
{
	for (size_t i = 0; argv[i]; i++) {
		if (i)
			uc_buf_addc(buf, ' ');
		uc_buf_quote(buf, argv[i], style);
	}
}
