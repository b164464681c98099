/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
/* Folders above the paths of jobs: each is looked at once, or made. */
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

#include "sync/sftp_far.h"

static struct uc_sftp_folder **slot_of(struct uc_sftp_far *far, const char *path,
				       size_t len)
{
	return &far->folder[XXH3_64bits(path, len) & (far->folder_slots - 1)];
}

static bool grow(struct uc_sftp_far *far)
{
	size_t slots = far->folder_slots, more = slots ? slots * 4 : 1024;
	struct uc_sftp_folder **old = far->folder;

	if (far->folders < slots)
		return true;
	far->folder = calloc(more, sizeof(*far->folder));
	if (!far->folder) {
		far->folder = old;
		return slots > 0;
	}
	far->folder_slots = more;
	for (size_t i = 0; i < slots; i++) {
		for (struct uc_sftp_folder *f = old[i], *next; f; f = next) {
			struct uc_sftp_folder **slot =
				slot_of(far, f->path, strlen(f->path));

			next = f->next;
			f->next = *slot;
			*slot = f;
		}
	}
	free(old);
	return true;
}

/* NULL when out of memory. */
static struct uc_sftp_folder *get(struct uc_sftp_far *far, const char *path, size_t len)
{
	struct uc_sftp_folder *folder, **slot;

	if (!grow(far))
		return NULL;
	slot = slot_of(far, path, len);
	for (folder = *slot; folder; folder = folder->next)
		if (strncmp(folder->path, path, len) == 0 && !folder->path[len])
			return folder;
	folder = calloc(1, sizeof(*folder) + len + 1);
	if (!folder)
		return NULL;
	memcpy(folder->path, path, len);
	folder->far = far;
	folder->next = *slot;
	*slot = folder;
	far->folders++;
	return folder;
}

void uc_sftp_folder_set(struct uc_sftp_far *far, const char *path,
			enum uc_sftp_folder_state state)
{
	struct uc_sftp_folder *folder = get(far, path, strlen(path));

	if (folder && folder->state != UC_SFTP_FOLDER_ASKED)
		folder->state = state;
}

static int looked(void *arg, uint64_t note, struct uc_sftp_answer *answer,
		  struct uc_error *err)
{
	struct uc_sftp_folder *folder = arg;

	(void)note, (void)err;
	folder->errno_value = uc_sftp_status_errno(answer->status);
	if (answer->type == UC_SFTP_STATUS)
		folder->state = answer->status == UC_SFTP_NO_SUCH_FILE
					? UC_SFTP_FOLDER_MISSING
					: UC_SFTP_FOLDER_FAILED;
	else
		folder->state = S_ISDIR(answer->attrs.mode) ? UC_SFTP_FOLDER_THERE
							    : UC_SFTP_FOLDER_OTHER;
	uc_sftp_queue_wake(&folder->waiting);
	return 0;
}

static void look(struct uc_sftp_folder *folder)
{
	folder->state = UC_SFTP_FOLDER_ASKED;
	uc_sftp_ask_path(&folder->far->sftp, UC_SFTP_LSTAT,
			 uc_sftp_full(folder->far, 0, folder->path),
			 (struct uc_sftp_call){ looked, folder, 0 });
}

/* What could not be made may be there. */
static int made(void *arg, uint64_t note, struct uc_sftp_answer *answer,
		struct uc_error *err)
{
	struct uc_sftp_folder *folder = arg;

	(void)note, (void)err;
	if (answer->status != UC_SFTP_OK) {
		look(folder);
		return 0;
	}
	folder->state = UC_SFTP_FOLDER_THERE;
	uc_sftp_queue_wake(&folder->waiting);
	return 0;
}

/* Folders that are made this way are the trash's: nobody else's business. */
static void make_one(struct uc_sftp_folder *folder)
{
	struct uc_sftp *sftp = &folder->far->sftp;
	const struct uc_sftp_attrs attrs = { .flags = UC_SFTP_HAS_MODE, .mode = 0700 };
	const char *full = uc_sftp_full(folder->far, 0, folder->path);

	folder->state = UC_SFTP_FOLDER_ASKED;
	uc_sftp_ask(sftp, UC_SFTP_MKDIR, (struct uc_sftp_call){ made, folder, 0 });
	uc_sftp_add_bytes(sftp, full, strlen(full));
	uc_sftp_add_attrs(sftp, &attrs);
	uc_sftp_send(sftp);
}

enum uc_sftp_folder_state uc_sftp_folder(struct uc_sftp_task *task, const char *path,
					 size_t len, bool make)
{
	const char *slash = len ? memrchr(path, '/', len) : NULL;
	enum uc_sftp_folder_state above = UC_SFTP_FOLDER_THERE;
	struct uc_sftp_folder *folder;

	if (len == 0)
		return UC_SFTP_FOLDER_THERE;
	folder = get(task->far, path, len);
	if (!folder)
		return UC_SFTP_FOLDER_FAILED;
	if (!make && folder->state == UC_SFTP_FOLDER_NEW)
		look(folder); /* while those above it are looked at */
	if (slash)
		above = uc_sftp_folder(task, path, (size_t)(slash - path), make);
	if (above != UC_SFTP_FOLDER_THERE)
		return above; /* ASKED: it waits there */
	if (make && (folder->state == UC_SFTP_FOLDER_NEW ||
		     folder->state == UC_SFTP_FOLDER_MISSING))
		make_one(folder);
	if (folder->state == UC_SFTP_FOLDER_ASKED)
		uc_sftp_queue_add(&folder->waiting, task);
	return folder->state;
}

void uc_sftp_folders_free(struct uc_sftp_far *far)
{
	for (size_t i = 0; i < far->folder_slots; i++) {
		for (struct uc_sftp_folder *f = far->folder[i], *next; f; f = next) {
			next = f->next;
			free(f);
		}
	}
	free(far->folder);
	far->folder = NULL;
	far->folder_slots = far->folders = 0;
}
