/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
/* The keys that detach a viewer. */
#include <string.h>
#include <strings.h>
#include <ucluster/session.h>

/* "ctrl-a", "^a", "a": the byte that a terminal sends, 0 when there is none. */
static unsigned char key(const char *word, size_t len)
{
	const char *letter = word;
	bool control = false;

	if (len == 6 && strncasecmp(word, "ctrl-", 5) == 0) {
		control = true;
		letter = word + 5;
	} else if (len == 2 && word[0] == '^') {
		control = true;
		letter = word + 1;
	} else if (len != 1) {
		return 0;
	}
	if (!control)
		return *letter > ' ' && *letter < 0x7f ? (unsigned char)*letter : 0;
	if (*letter >= 'a' && *letter <= 'z')
		return (unsigned char)(*letter - 'a' + 1);
	if (*letter >= 'A' && *letter <= '_')
		return (unsigned char)(*letter - '@');
	return 0;
}

int uc_detach_parse(struct uc_detach *keys, const char *text, struct uc_error *err)
{
	const char *at = text;

	*keys = (struct uc_detach){ 0 };
	if (strcmp(text, "none") == 0)
		return 0;
	while (*(at += strspn(at, " "))) {
		const size_t len = strcspn(at, " ");
		const unsigned char c = key(at, len);

		if (!c || keys->count == sizeof(keys->keys))
			break;
		keys->keys[keys->count++] = c;
		at += len;
	}
	if (*at == '\0' && keys->count > 0)
		return 0;
	return uc_fail(err, UC_USAGE,
		       "'%s' are no keys to detach with; 'ctrl-a d', '^]' or 'none' is "
		       "expected",
		       text);
}

void uc_detach_name(const struct uc_detach *keys, struct uc_buf *out)
{
	for (size_t i = 0; i < keys->count; i++) {
		const unsigned char c = keys->keys[i];

		uc_buf_add(out, i ? " " : "");
		if (c < ' ')
			uc_buf_addf(out, "Ctrl-%c", c <= 26 ? c + 'a' - 1 : c + '@');
		else
			uc_buf_addc(out, (char)c);
	}
}

void uc_detach_flush(struct uc_detach *keys, struct uc_buf *out)
{
	uc_buf_addn(out, keys->keys, keys->at);
	keys->at = 0;
}

bool uc_detach_typed(struct uc_detach *keys, const char *bytes, size_t len,
		     struct uc_buf *out)
{
	for (size_t i = 0; i < len; i++) {
		const unsigned char c = (unsigned char)bytes[i];

		if (keys->at < keys->count && c != keys->keys[keys->at])
			uc_detach_flush(keys, out);
		if (keys->at >= keys->count || c != keys->keys[keys->at]) {
			uc_buf_addc(out, bytes[i]);
			continue;
		}
		if (++keys->at == keys->count) {
			keys->at = 0;
			return true;
		}
	}
	return false;
}
