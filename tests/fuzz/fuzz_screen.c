/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
/*
 * A program that writes anything to its terminal, whose window changes meanwhile: each
 * piece begins with a byte of its length, and two of the size after it where that is 0.
 */
#include <stdlib.h>
#include "session/screen.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define HISTORY 50

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct uc_session_size window = { 20, 6 };
	uc_auto(screen) struct uc_screen *s = uc_screen_new(&window, HISTORY);
	uc_auto(buf) struct uc_buf out = { 0 };

	while (s && size > 0) {
		size_t len = *data++;

		size--;
		if (len == 0 && size >= 2) {
			window.columns =
				(uint16_t)(UC_SCREEN_COLUMNS_LEAST + data[0] % 100);
			window.rows = (uint16_t)(1 + data[1] % 40);
			uc_screen_resize(s, &window);
			len = 2;
		} else {
			len = len < size ? len : size;
			uc_screen_write(s, (const char *)data, len);
			uc_screen_answered(s);
		}
		data += len;
		size -= len;
	}
	if (!s)
		return 0;
	uc_screen_draw(s, &(struct uc_screen_draw){ .size = window }, &out);
	uc_buf_reset(&out);
	uc_screen_draw(s,
		       &(struct uc_screen_draw){ .size = { 7, 3 },
						 .from = uc_screen_lines(s) / 2,
						 .clear = true },
		       &out);
	return 0;
}
