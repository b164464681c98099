/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
/* What is kept of each job, for --again. */
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>
#include <jansson.h>
#include <ucluster/receipt.h>
#include "usrun/usrun.h"

#define KEEP 2000

/* What a receipt borrows while it is written. */
struct draft {
	struct uc_receipt receipt;
	struct uc_receipt_option *options;
	struct uc_strv text; /* masked values */
	struct uc_strv command, mounts, env, secrets;
	struct uc_git git;
};

/* Nobody's secret goes to the disk. */
static const char *masked(struct draft *d, const struct usrun *u, const char *text)
{
	uc_auto(buf) struct uc_buf safe = { 0 };

	uc_secrets_mask(u->secrets, text, &safe);
	d->text.failed |= safe.failed;
	uc_strv_add(&d->text, uc_buf_text(&safe));
	return d->text.failed ? "" : d->text.item[d->text.count - 1];
}

static bool is_given(const struct uc_spec_item *item)
{
	return strcmp(item->layer, "option") == 0 || strcmp(item->layer, "receipt") == 0;
}

static void add_item(struct draft *d, const struct usrun *u,
		     const struct uc_spec_item *item)
{
	if (item->kind == UC_ITEM_VARIABLE) {
		/* configured ones are there again by themselves */
		if (uc_secrets_find(u->secrets, item->name))
			uc_strv_add(&d->secrets, item->name);
		else if (is_given(item))
			uc_strv_add(&d->env, item->name);
		return;
	}
	/* what a session's job has of its own is no wish of anybody's */
	if (u->args.detachable && strcmp(item->layer, "built-in") == 0)
		return;
	if (strcmp(item->name, "container-mounts") == 0) {
		uc_strv_add(&d->mounts, item->value);
		return;
	}
	d->options[d->receipt.option_count++] = (struct uc_receipt_option){
		.name = item->name,
		.value = item->value ? masked(d, u, item->value) : NULL,
		.layer = item->layer,
		.from = item->from,
	};
}

static void describe_container(struct draft *d, const struct usrun *u)
{
	const struct uc_container *box = uc_spec_container(u->spec);
	struct stat st;

	d->receipt.runtime = usrun_runtime_name(u);
	if (!box->image && !box->name)
		return;
	d->receipt.container.image = box->image;
	d->receipt.container.image_is_path = box->image_is_path;
	d->receipt.container.workdir = box->workdir;
	d->receipt.container.name = box->name;
	d->receipt.container.save = u->save_to ? u->save_to : box->save;
	d->receipt.container.mounts = (const char *const *)d->mounts.item;
	if (box->image_is_path && stat(box->image, &st) == 0) {
		d->receipt.container.size = (uint64_t)st.st_size;
		d->receipt.container.mtime = st.st_mtime;
	}
}

static void describe_code(struct draft *d, const struct usrun *u)
{
	const char *folder = u->snapshot_root ? u->snapshot_root : u->run->cwd;

	if (!folder || uc_git_look(folder, u->run->environment, &d->git, NULL) < 0)
		return;
	d->receipt.git.toplevel = d->git.toplevel;
	d->receipt.git.commit = d->git.commit;
	d->receipt.git.branch = d->git.branch;
	d->receipt.git.dirty = d->git.dirty;
	d->receipt.git.untracked = d->git.untracked;
}

static int fill_in(struct draft *d, const struct usrun *u,
		   const struct uc_spec_items *list, struct uc_error *err)
{
	const char *const *word = uc_spec_command(u->spec);

	d->options = calloc(list->count + 1, sizeof(*d->options));
	if (!d->options)
		return uc_fail(err, UC_FAILED, "out of memory");
	for (size_t i = 0; i < list->count; i++)
		add_item(d, u, &list->item[i]);
	for (; *word; word++)
		uc_strv_add(&d->command, masked(d, u, *word));
	describe_container(d, u);
	describe_code(d, u);
	d->receipt.options = d->options;
	d->receipt.command = (const char *const *)d->command.item;
	d->receipt.env = (const char *const *)d->env.item;
	d->receipt.secrets = (const char *const *)d->secrets.item;
	if (d->text.failed || d->command.failed || d->mounts.failed || d->env.failed ||
	    d->secrets.failed)
		return uc_fail(err, UC_FAILED, "out of memory");
	return 0;
}

/* STATE: NULL when nothing is to be kept, or nothing can be. */
static bool find_state(const struct usrun *u, struct uc_buf *dir)
{
	uc_auto(buf) struct uc_buf path = { 0 };
	char *slash;

	uc_run_state_dir(u->run, dir);
	if (!uc_config_bool(u->run->config, "receipts", true) || dir->len == 0)
		return false;
	uc_buf_add(&path, uc_buf_text(dir));
	/* it is made; what there is above it must let us */
	while (path.data && access(path.data, F_OK) < 0 &&
	       (slash = strrchr(path.data, '/')) && slash != path.data)
		*slash = '\0';
	return path.data && access(path.data, W_OK) == 0;
}

bool usrun_keeps_receipts(const struct usrun *u)
{
	uc_auto(buf) struct uc_buf dir = { 0 };

	return find_state(u, &dir);
}

/*
 * A session that was over before its receipt was there: its server wrote down how it
 * ended, and then found no receipt to write it into.
 */
static void note_end(const char *state_dir, uint32_t job_id)
{
	const struct uc_receipt_key key = { .job_id = job_id };
	uc_auto(buf) struct uc_buf path = { 0 };
	json_t *record, *code;
	json_int_t ended;

	uc_buf_addf(&path, "%s/sessions/%u.json", state_dir, job_id);
	record = path.failed ? NULL : json_load_file(path.data, 0, NULL);
	code = json_object_get(record, "exit_code");
	ended = json_integer_value(json_object_get(record, "ended"));
	if (json_is_integer(code) && ended > 0)
		(void)!uc_receipt_end(state_dir, &key, (uint32_t)json_integer_value(code),
				      ended, NULL);
	json_decref(record);
}

void usrun_receipt(const struct usrun *u, uint32_t job_id, int64_t submit_time)
{
	uc_auto(buf) struct uc_buf dir = { 0 };
	uc_auto(spec_items) struct uc_spec_items list = { 0 };
	struct draft d = { .receipt = { .job_id = job_id,
					.submit_time = submit_time,
					.cwd = u->run->cwd,
					.batch = u->args.batch,
					.snapshot = u->snapshot } };
	const struct uc_receipt_keep keep = { .now = submit_time, .count = KEEP };
	struct uc_error err = { 0 };

	if (!find_state(u, &dir))
		return;
	if (uc_spec_list(u->spec, u->args.batch ? NULL : u->run->environment, &list,
			 &err) < 0 ||
	    fill_in(&d, u, &list, &err) < 0 ||
	    uc_receipt_write(uc_buf_text(&dir), &d.receipt, &err) < 0 ||
	    uc_receipt_prune(uc_buf_text(&dir), &keep, NULL, &err) < 0)
		uc_run_say(u->run, 1, "no receipt of job %u: %s", job_id, err.text);
	else
		note_end(uc_buf_text(&dir), job_id);
	free(d.options);
	uc_strv_free(&d.text);
	uc_strv_free(&d.command);
	uc_strv_free(&d.mounts);
	uc_strv_free(&d.env);
	uc_strv_free(&d.secrets);
	uc_git_free(&d.git);
}
