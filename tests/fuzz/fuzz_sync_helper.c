/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
/* A client and a serving end that says anything. */
#include "sync_script.h"

#include <signal.h>

#include "sync/far.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct run {
	char last[UC_SYNC_PATH_MAX + 1];
	unsigned done;
};

static int told(void *arg, const struct uc_sync_entry *entry, uint64_t sum,
		struct uc_error *err)
{
	struct run *run = arg;

	(void)sum, (void)err;
	assert(uc_message_path_ok(entry->path));
	assert(!run->last[0] || uc_sync_path_compare(run->last, entry->path) < 0);
	memcpy(run->last, entry->path, strlen(entry->path) + 1);
	return 0;
}

static void done(void *arg, struct uc_far_job *job)
{
	struct run *run = arg;

	assert(job->outcome <= UC_FAR_LOST);
	run->done++;
}

static void list(struct run *run, struct uc_far *far)
{
	const struct uc_far_list_options options = { .entry = told, .arg = run };
	struct uc_far_listed listed = { 0 };
	struct uc_error err = { 0 };

	if (far->ops->list_ask(far, &options, &err) < 0 ||
	    far->ops->list_run(far, &listed, &err) < 0)
		assert(err.text[0] && !listed.complete);
}

static void call(struct uc_far *far)
{
	json_t *answer = NULL, *none = json_object();
	struct uc_error err = { 0 };

	if (far->ops->call(far, "space", none, &answer, &err) == 0)
		json_decref(answer);
	else
		assert(err.text[0]);
	json_decref(none);
}

static void jobs(struct run *run, struct uc_far *far)
{
	const struct uc_sync_entry entry[] = { { .path = "g", .size = 5, .mode = 0600 },
					       { .path = "G", .size = 200000 },
					       { .path = "in", .kind = UC_SYNC_FOLDER },
					       { .path = "none", .size = 200000 } };
	struct uc_far_job job[4];
	struct uc_error err = { 0 };

	for (unsigned i = 0; i < 4; i++) {
		job[i] = (struct uc_far_job){ .what = i < 2    ? UC_FAR_GET
						      : i == 2 ? UC_FAR_FOLDER
							       : UC_FAR_PUT,
					      .entry = &entry[i] };
		assert(far->ops->submit(far, &job[i], &err) == 0);
	}
	while (far->ops->step(far, 10, &err) == 0)
		;
	assert(run->done == 4);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char opened[] = "\2/x\x1f\0\0\0";
	const struct uc_store_options store_options = { .run = "r", .no_sync = true };
	uc_auto(buf) struct uc_buf script = { 0 };
	struct run run = { .done = 0 };
	struct uc_far_options options = { .root = "x",
					  .run = "r",
					  .near = -1,
					  .done = done,
					  .silence_ms = 1000,
					  .arg = &run };
	struct uc_stream stream;
	struct uc_far *far = NULL;
	int pair[2], root;

	if (size < 1 || size > SCRIPT_MAX)
		return 0;
	signal(SIGPIPE, SIG_IGN);
	if (data[0] == 'r') {
		uc_buf_addn(&script, data + 1, size - 1);
	} else {
		script_greet(&script);
		script_frame(&script, UC_FRAME_OPENED, opened, sizeof(opened) - 1);
		script_add(&script, data + 1, size - 1);
	}
	if (script.failed || script.len > 2 * SCRIPT_MAX)
		return 0;
	root = openat(AT_FDCWD, script_folder(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	options.near = openat(root, "in", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	close(root);
	assert(uc_store_open(&options.store, options.near, &store_options, NULL) == 0);
	assert(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) == 0);
	(void)send(pair[1], uc_buf_text(&script), script.len,
		   MSG_NOSIGNAL | MSG_DONTWAIT);
	shutdown(pair[1], SHUT_WR);
	stream = (struct uc_stream){ .in = pair[0], .out = pair[0] };
	assert(uc_far_helper_open(&far, &stream, &options, NULL) == 0);
	if (data[0] == 'j')
		jobs(&run, far);
	else if (data[0] == 'c')
		call(far);
	else
		list(&run, far);
	uc_far_free(far);
	uc_store_free(options.store);
	close(options.near);
	close(pair[0]);
	close(pair[1]);
	script_check();
	return 0;
}
