/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
/*
 * libucluster-sync is loaded when it is needed: the libraries of SSH take longer to load
 * than --help and completion take altogether. Its functions, by the names that its
 * headers give them.
 */
#include <dlfcn.h>
#include <string.h>
#include <ucluster/sync.h>

#define LIBRARY "libucluster-sync.so.0"

/* It lies where libucluster does. The same each time: dlopen() counts. */
static void *load(void)
{
	uc_auto(buf) struct uc_buf path = { 0 };
	void *known = dlsym(RTLD_DEFAULT, "uc_fail_from");
	const char *slash;
	Dl_info info;

	if (known && dladdr(known, &info) && info.dli_fname) {
		slash = strrchr(info.dli_fname, '/');
		if (slash)
			uc_buf_addn(&path, info.dli_fname,
				    (size_t)(slash + 1 - info.dli_fname));
	}
	uc_buf_add(&path, LIBRARY);
	return dlopen(uc_buf_text(&path), RTLD_NOW | RTLD_LOCAL);
}

/* A function of it; NULL with err. */
static void *find(const char *name, struct uc_error *err)
{
	void *library = load();
	void *function = library ? dlsym(library, name) : NULL;

	if (!function) {
		uc_fail(err, UC_FAILED, "%s cannot be used: %s", LIBRARY, dlerror());
		uc_hint(err, "it belongs to ucluster: install it again");
	}
	return function;
}

#define FIND(name, err) ((__typeof__(name) *)find(#name, (err)))

int uc_sync_run(const struct uc_sync_request *request,
		const struct uc_sync_watcher *watcher, struct uc_sync_result *result,
		struct uc_error *err)
{
	__typeof__(uc_sync_run) *run = FIND(uc_sync_run, err);

	return run ? run(request, watcher, result, err) : -1;
}

int uc_sync_look(const struct uc_sync_request *request, uc_sync_looked *looked, void *arg,
		 struct uc_error *err)
{
	__typeof__(uc_sync_look) *look = FIND(uc_sync_look, err);

	return look ? look(request, looked, arg, err) : -1;
}

int uc_sync_call(const struct uc_sync_request *request, const char *verb,
		 json_t *arguments, json_t **answer, struct uc_error *err)
{
	__typeof__(uc_sync_call) *call = FIND(uc_sync_call, err);

	return call ? call(request, verb, arguments, answer, err) : -1;
}

int uc_sync_serve(int in, int out, const char *home, struct uc_error *err)
{
	__typeof__(uc_sync_serve) *serve = FIND(uc_sync_serve, err);

	return serve ? serve(in, out, home, err) : -1;
}

int uc_ssh_open(struct uc_ssh **ssh, const struct uc_ssh_options *options,
		struct uc_error *err)
{
	__typeof__(uc_ssh_open) *open = FIND(uc_ssh_open, err);

	return open ? open(ssh, options, err) : -1;
}

int uc_ssh_exec(struct uc_ssh *ssh, const char *command, struct uc_stream *stream,
		struct uc_error *err)
{
	__typeof__(uc_ssh_exec) *exec = FIND(uc_ssh_exec, err);

	return exec ? exec(ssh, command, stream, err) : -1;
}

/* These have something to work on only when the library is there. */

void uc_ssh_free(struct uc_ssh *ssh)
{
	__typeof__(uc_ssh_free) *free_it = ssh ? FIND(uc_ssh_free, NULL) : NULL;

	if (free_it)
		free_it(ssh);
}

void uc_stream_shut(struct uc_stream *stream)
{
	__typeof__(uc_stream_shut) *shut = FIND(uc_stream_shut, NULL);

	if (shut)
		shut(stream);
}

int uc_stream_close(struct uc_stream *stream, int wait_ms, struct uc_buf *said)
{
	__typeof__(uc_stream_close) *close = FIND(uc_stream_close, NULL);

	return close ? close(stream, wait_ms, said) : -1;
}
