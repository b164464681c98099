/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
#ifndef UC_USYNC_ANSWER_H
#define UC_USYNC_ANSWER_H
/* Answers of the far end as listings. They are foreign: any of it may be of any type. */
#include "common/table.h"
#include "usync/command.h"

/* Cells; a row is a const json_t *, stored in the table. */
void usync_answer_text(const void *row, const char *key, struct uc_value *out);
void usync_answer_number(const void *row, const char *key, enum uc_value_type type,
			 struct uc_value *out);
/* Print the array `key` of it; takes it over, NULL included. The exit status. */
int usync_answer_table(struct usync *u, json_t *answer, const char *key,
		       const struct uc_selection *shown,
		       const struct uc_listing *listing);

#endif
