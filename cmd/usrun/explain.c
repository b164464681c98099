/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
/* --explain: what is set, who set it, what it does. */
#include <stdio.h>
#include "common/table.h"
#include "usrun/usrun.h"

static void get_option(const void *row, const void *context, struct uc_value *out)
{
	const struct uc_spec_item *item = row;

	(void)context;
	uc_buf_addf(&out->scratch, "%s%s", item->kind == UC_ITEM_VARIABLE ? "" : "--",
		    item->name);
	out->type = UC_VALUE_TEXT;
	out->text = uc_raw(uc_buf_text(&out->scratch));
}

static void get_value(const void *row, const void *context, struct uc_value *out)
{
	const struct uc_spec_item *item = row;
	const struct usrun *u = context;

	if (!item->value)
		return;
	uc_secrets_mask(u->secrets, item->value, &out->scratch);
	out->type = UC_VALUE_TEXT;
	out->text = uc_raw(uc_buf_text(&out->scratch));
}

static void get_layer(const void *row, const void *context, struct uc_value *out)
{
	const struct uc_spec_item *item = row;

	(void)context;
	out->type = UC_VALUE_TEXT;
	out->text = uc_raw(item->layer);
}

static void get_from(const void *row, const void *context, struct uc_value *out)
{
	const struct uc_spec_item *item = row;

	(void)context;
	if (!item->from)
		return;
	out->type = UC_VALUE_TEXT;
	out->text = uc_raw(item->from);
}

static void get_help(const void *row, const void *context, struct uc_value *out)
{
	const struct uc_spec_item *item = row;

	(void)context;
	if (!item->help)
		return;
	out->type = UC_VALUE_TEXT;
	out->text = uc_raw(item->help);
}

/* clang-format off */
static const struct uc_column columns[] = {
	{ "OPTION", "option", UC_COLUMN_DEFAULT, 0, "option or variable", get_option },
	{ "VALUE", "value", UC_COLUMN_DEFAULT | UC_COLUMN_CUT, 12, "its value", get_value },
	{ "SET BY", "layer", UC_COLUMN_DEFAULT, 0, "which layer set it", get_layer },
	{ "WHERE", "from", UC_COLUMN_DEFAULT | UC_COLUMN_CUT, 10, "place or variable", get_from },
	{ "WHAT IT DOES", "help", UC_COLUMN_DEFAULT | UC_COLUMN_CUT, 12, "what it does", get_help },
	{ 0 }
};
/* clang-format on */

int usrun_explain(struct usrun *u, struct uc_error *err)
{
	uc_auto(spec_items) struct uc_spec_items list = { 0 };
	const struct uc_listing listing = { .json = u->args.json };
	uc_auto(buf) struct uc_buf note = { 0 };
	struct uc_selection shown;
	struct uc_table table = { .name = "options", .context = u };

	if (uc_spec_list(u->spec, u->args.batch ? NULL : u->run->environment, &list,
			 err) < 0)
		return -1;
	if (uc_listing_select(u->run, columns, &listing, &shown) < 0) {
		err->text[0] = '\0';
		return -1;
	}
	if (!u->args.json) {
		if (usrun_show(u, err) < 0)
			return -1;
		putchar('\n');
	}
	table.rows = list.item;
	table.count = list.count;
	table.row_size = sizeof(*list.item);
	u->run->status = uc_table_print(u->run, &table, &shown, &listing);
	if (usrun_code_note(u, &note))
		uc_run_say(u->run, 0, "%s", uc_buf_text(&note));
	err->text[0] = '\0';
	return u->run->status ? -1 : 0;
}
