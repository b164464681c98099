/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
/* Three lines: two versions and what is asked of them. Order is order; == is its middle.
 */
#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include "image/version.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_order(const char *one, const char *other)
{
	uc_auto(buf) struct uc_buf text = { 0 };
	struct uc_pep440 version;
	int order, back, same;
	bool equal;

	if (uc_version_compare(one, other, &order) < 0)
		return;
	assert(uc_version_compare(other, one, &back) == 0);
	assert((order > 0) == (back < 0) && (order == 0) == (back == 0));
	assert(uc_version_compare(one, one, &same) == 0 && same == 0);
	/* written as PEP 440 has it, it is the same */
	assert(uc_pep440_parse(one, strlen(one), &version));
	uc_pep440_text(&version, &text);
	assert(uc_version_compare(one, uc_buf_text(&text), &same) == 0 && same == 0);
	uc_buf_reset(&text);
	uc_buf_addf(&text, "==%s", other);
	if (uc_version_meets(one, uc_buf_text(&text), &equal, NULL) == 0 &&
	    strchr(other, '+') && !strchr(other, ','))
		assert(equal == (order == 0));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct uc_marker_facts facts = { "3.10.12", "x86_64" };
	char *text = malloc(size + 1), *other, *asked = NULL;
	struct uc_error err = { 0 };
	enum uc_truth truth;
	bool met;

	if (!text)
		return 0;
	memcpy(text, data, size);
	text[size] = '\0';
	other = strchr(text, '\n');
	if (other)
		*other++ = '\0';
	if (other)
		asked = strchr(other, '\n');
	if (asked) {
		*asked++ = '\0';
		if (uc_version_meets(text, asked, &met, &err) < 0)
			assert(err.code == UC_USAGE);
		uc_marker_evaluate(asked, &facts, &truth);
		check_order(text, other);
	}
	free(text);
	return 0;
}
