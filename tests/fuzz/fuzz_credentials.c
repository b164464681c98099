/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
/*
 * A credentials file of any bytes: an entry that is put in is found again and can be
 * taken out; what is not of its host stays, byte for byte. The same bytes as what enroot
 * says.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <ucluster/import.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool holds)
{
	if (!holds)
		abort();
}

static void edit(const char *bytes, size_t len)
{
	const struct uc_credential put = { "nvcr.io", "me", "secret" };
	const struct uc_credential take = { "nvcr.io", NULL, NULL };
	uc_auto(buf) struct uc_buf one = { 0 }, two = { 0 }, three = { 0 }, four = { 0 };
	size_t found, again;
	struct uc_error err;

	if (uc_credentials_edit(bytes, len, &put, &one, &found, &err) < 0)
		return;
	check(strstr(uc_buf_text(&one), "machine nvcr.io login me password secret\n"));
	/* without the host's entries, there are none left, and nothing more goes */
	check(uc_credentials_edit(bytes, len, &take, &two, &found, &err) == 0);
	check(two.len <= len);
	check(uc_credentials_edit(two.data, two.len, &take, &three, &again, &err) == 0);
	if (found == 0)
		check(two.len == len && (len == 0 || memcmp(two.data, bytes, len) == 0));
	check(uc_credentials_edit(one.data, one.len, &put, &four, &again, &err) == 0);
}

static void say(const char *text)
{
	uc_auto(import_source) struct uc_import_source from = { 0 }, named = { 0 };
	struct uc_enroot_line line = { 0 };
	struct uc_error err = { 0 };

	uc_enroot_line_read(text, &line);
	if (line.kind == UC_ENROOT_STEP)
		check(!memchr(uc_buf_text(&line.text), '\x1b', line.text.len));
	uc_buf_free(&line.text);
	check(uc_import_source_parse("r.example/a", &from, &err) == 0);
	check(uc_enroot_failure(text, 1, &from, &err) == -1 && err.text[0]);
	if (uc_import_source_parse(text, &named, &err) == 0)
		check(named.name[0] && named.name[0] != '.' && !strchr(named.name, '/') &&
		      strlen(named.name) <= UC_IMPORT_NAME_MAX);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = malloc(size + 1);

	if (!text)
		return 0;
	if (size > 0)
		memcpy(text, data, size);
	text[size] = '\0';
	edit(text, size);
	say(text);
	free(text);
	return 0;
}
