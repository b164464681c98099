/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
/* ucluster doctor: credentials, images, room on disks, caches in the home directory. */
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <ucluster/disk.h>
#include <ucluster/image.h>
#include <ucluster/units.h>
#include <unistd.h>
#include "common/disk_paths.h"
#include "ucluster/doctor.h"

#define CACHE_WARN  (UINT64_C(1) << 30) /* bytes that are worth a line */
#define CACHE_MS    8000                /* to add all of them up */
#define FULL_WARN   90                  /* percent */
#define ROOM_FAIL   (UINT64_C(64) << 20)
#define SECRETS_MAX 64 /* keys of SSH that are looked at */

/* --- credentials --- */

/* `bad`: bits of the mode that must not be there. */
static bool check_mode(struct doctor *d, const char *path, mode_t bad, const char *what)
{
	uc_auto(buf) struct uc_buf full = { 0 }, shown = { 0 };
	struct stat st;

	doctor_home(d, path, &full);
	if (full.failed || stat(full.data, &st) < 0)
		return false;
	doctor_path(d, full.data, &shown);
	if (st.st_uid != geteuid()) {
		doctor_add(d, DOCTOR_FAIL, "%s is somebody else's", uc_buf_text(&shown));
		doctor_remedy(d, "ls -l %s", uc_buf_text(&shown));
	} else if (st.st_mode & bad) {
		doctor_add(d, DOCTOR_FAIL, "%s has mode %03o: %s", uc_buf_text(&shown),
			   (unsigned)st.st_mode & 0777, what);
		doctor_remedy(d, "chmod %s %s",
			      S_ISDIR(st.st_mode)  ? "700"
			      : bad == (mode_t)022 ? "go-w"
						   : "600",
			      uc_buf_text(&shown));
	}
	return true;
}

static bool is_secret_key(const char *name)
{
	size_t len = strlen(name);

	return strncmp(name, "id_", 3) == 0 &&
	       !(len > 4 && strcmp(name + len - 4, ".pub") == 0);
}

static unsigned check_keys(struct doctor *d)
{
	uc_auto(buf) struct uc_buf folder = { 0 };
	unsigned count = 0;
	DIR *dir;

	doctor_home(d, ".ssh", &folder);
	dir = opendir(uc_buf_text(&folder));
	for (struct dirent *entry;
	     dir && count < SECRETS_MAX && (entry = readdir(dir));) {
		uc_auto(buf) struct uc_buf path = { 0 };

		if (!is_secret_key(entry->d_name))
			continue;
		uc_buf_addf(&path, ".ssh/%s", entry->d_name);
		count += check_mode(d, uc_buf_text(&path), 077,
				    "ssh does not use a key that others can read");
	}
	if (dir)
		closedir(dir);
	return count;
}

static void add_place(struct doctor *d, struct uc_buf *out, const char *variable,
		      const char *otherwise, const char *name)
{
	const char *set = uc_run_env(d->run, variable);

	uc_buf_reset(out);
	uc_buf_addf(out, "%s/%s", set && *set == '/' ? set : otherwise, name);
}

void doctor_credentials(struct doctor *d)
{
	static const char others[] = "others can read what it holds";
	static const char *const files[] = { ".netrc", ".docker/config.json",
					     ".cache/huggingface/token",
					     ".git-credentials" };
	uc_auto(buf) struct uc_buf path = { 0 };
	unsigned count = 0;

	if (!d->run->home) {
		doctor_add(d, DOCTOR_WARN, "there is no home directory");
		doctor_remedy(d, "export HOME=...");
		return;
	}
	add_place(d, &path, "ENROOT_CONFIG_PATH", ".config/enroot", ".credentials");
	count += check_mode(d, uc_buf_text(&path), 077, others);
	add_place(d, &path, "KAGGLE_CONFIG_DIR", ".kaggle", "kaggle.json");
	count += check_mode(d, uc_buf_text(&path), 077, others);
	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++)
		count += check_mode(d, files[i], 077, others);
	(void)check_mode(d, ".ssh", 022, "others can put keys there");
	(void)check_mode(d, ".ssh/authorized_keys", 022, "others can let themselves in");
	(void)check_mode(d, ".ssh/config", 022, "ssh refuses it");
	count += check_keys(d);
	if (!d->count)
		doctor_add(d, DOCTOR_OK, "%u file%s with secrets, yours alone", count,
			   count == 1 ? "" : "s");
}

/* --- images --- */

static void check_images(struct doctor *d, const char *dir)
{
	uc_auto(image_files) struct uc_image_files *files = NULL;
	uc_auto(buf) struct uc_buf full = { 0 };
	const char *dirs[2] = { NULL, NULL };
	struct uc_error err = { 0 };
	struct stat st;

	doctor_home(d, dir[0] == '~' ? dir + 1 + (dir[1] == '/') : dir, &full);
	dirs[0] = uc_buf_text(&full);
	errno = 0;
	if (stat(dirs[0], &st) < 0 || !S_ISDIR(st.st_mode) ||
	    access(dirs[0], R_OK | X_OK) < 0) {
		doctor_add(d, DOCTOR_FAIL, "%s: %s", dir,
			   errno ? strerror(errno) : "is no directory");
		doctor_remedy(d, "ucluster config --edit   # image_dirs");
	} else if (uc_image_files_find(dirs, NULL, &files, &err) < 0) {
		doctor_error(d, DOCTOR_FAIL, &err);
	} else if (files->count == 0) {
		doctor_add(d, DOCTOR_WARN, "no image in %s", dir);
		doctor_remedy(d, "uimage import nvcr.io/nvidia/pytorch:24.05-py3");
	} else {
		doctor_add(d, DOCTOR_OK, "%zu image%s in %s", files->count,
			   files->count == 1 ? "" : "s", dir);
	}
}

void doctor_images(struct doctor *d)
{
	const char *const *dirs = uc_config_list(d->run->config, "image_dirs");

	if (!*dirs) {
		doctor_add(d, DOCTOR_WARN,
			   "no image_dirs are configured: images go by "
			   "their full path");
		doctor_remedy(d, "ucluster config --edit   # image_dirs: [/data/enroot]");
	}
	for (; *dirs; dirs++) {
		errno = 0;
		check_images(d, *dirs);
	}
}

/* --- disks --- */

static void add_sizes(struct uc_buf *out, uint64_t used, uint64_t size)
{
	uc_size_words(out, used);
	uc_buf_add(out, " of ");
	uc_size_words(out, size);
}

static void check_quota(struct doctor *d, const struct uc_disk_fs *fs, const char *where)
{
	const struct uc_disk_quota *quota = &fs->quota;
	uint64_t most = quota->bytes_soft ? quota->bytes_soft : quota->bytes_limit;
	uc_auto(buf) struct uc_buf text = { 0 };

	if (!quota->known || !most)
		return;
	add_sizes(&text, quota->bytes, most);
	doctor_add(d,
		   quota->bytes >= most                     ? DOCTOR_FAIL
		   : quota->bytes / FULL_WARN >= most / 100 ? DOCTOR_WARN
							    : DOCTOR_OK,
		   "%s: your quota, %s", where, uc_buf_text(&text));
	if (quota->bytes / FULL_WARN >= most / 100)
		doctor_remedy(d, "uinfo disk --scan %s", where);
}

static void check_disk(struct doctor *d, const struct uc_disk_fs *fs, const char *why)
{
	uc_auto(buf) struct uc_buf shown = { 0 }, text = { 0 }, path = { 0 };
	bool files_full = fs->files && fs->files_used / 98 >= fs->files / 100;
	const char *where;

	uc_buf_add(&path, fs->path.bytes ? fs->path.bytes : "");
	where = doctor_path(d, uc_buf_text(&path), &shown);
	if (fs->state != UC_DISK_OK) {
		doctor_add(d, DOCTOR_FAIL, "%s (%s): %s", where, why,
			   fs->state == UC_DISK_SILENT ? "no answer in time"
						       : strerror(fs->error));
		doctor_remedy(d, "df %s", where);
		return;
	}
	add_sizes(&text, fs->used, fs->size);
	if (fs->size && fs->available < ROOM_FAIL) {
		doctor_add(d, DOCTOR_FAIL, "%s (%s) is full: %s", where, why,
			   uc_buf_text(&text));
		doctor_remedy(d, "uinfo disk --scan %s", where);
	} else if (files_full || (fs->size && fs->used / FULL_WARN >= fs->size / 100)) {
		doctor_add(d, DOCTOR_WARN, "%s (%s) is nearly full: %s%s", where, why,
			   uc_buf_text(&text), files_full ? ", and out of inodes" : "");
		doctor_remedy(d, "uinfo disk --scan %s", where);
	} else {
		doctor_add(d, DOCTOR_OK, "%s (%s): %s", where, why, uc_buf_text(&text));
	}
	check_quota(d, fs, where);
}

void doctor_disks(struct doctor *d)
{
	uc_auto(disk_list) struct uc_disk_list *list = NULL;
	struct disk_paths paths = { 0 };
	struct uc_error err = { 0 };

	if (disk_paths_find(d->run, &paths, &err) < 0 ||
	    disk_paths_load(d->run, &paths, &list, &err) < 0)
		doctor_error(d, DOCTOR_FAIL, &err);
	for (size_t i = 0; list && i < list->count; i++) {
		bool seen = false;

		for (size_t j = 0; j < i; j++)
			seen = seen || (list->row[i].mount_id &&
					list->row[i].mount_id == list->row[j].mount_id);
		if (!seen)
			check_disk(d, &list->row[i], paths.item[i].why);
	}
	disk_paths_free(&paths);
}

/* --- caches --- */

static bool in_time(void *arg, const struct uc_disk_progress *now)
{
	(void)now;
	return uc_monotonic_ms() < *(const int64_t *)arg;
}

static void add_cache(struct doctor *d, const char *path, int64_t *deadline)
{
	const struct uc_disk_how how = { .progress = in_time, .arg = deadline };
	uc_auto(disk_scan) struct uc_disk_scan *scan = NULL;
	uc_auto(buf) struct uc_buf full = { 0 }, text = { 0 };
	const char *cache = uc_config_string(d->run->config, "cache_dir");
	struct stat st;

	doctor_home(d, path, &full);
	/* a link leads to where there is room */
	if (lstat(uc_buf_text(&full), &st) < 0 || !S_ISDIR(st.st_mode) ||
	    uc_disk_scan_run(uc_buf_text(&full), &how, &scan, NULL) < 0 ||
	    scan->total.bytes < CACHE_WARN)
		return;
	uc_size_words(&text, scan->total.bytes);
	doctor_add(d, DOCTOR_WARN, "~/%s takes %s%s of the home directory", path,
		   scan->partial ? "more than " : "", uc_buf_text(&text));
	if (cache)
		doctor_remedy(d, "rm -r ~/%s   # jobs have cache_dir", path);
	else
		doctor_remedy(d, "ucluster config --edit   # cache_dir: "
				 "/data/$USER/cache");
}

void doctor_caches(struct doctor *d)
{
	static const char *const caches[] = {
		".cache/pip",    ".cache/huggingface",  ".cache/torch",   ".cache/uv",
		".cache/enroot", ".local/share/enroot", ".triton",        ".nv",
		".conda/pkgs",   "miniconda3/pkgs",     "anaconda3/pkgs", ".cache/conda",
		".cache/wandb",
	};
	int64_t deadline = uc_monotonic_ms() + CACHE_MS;

	if (!d->run->home)
		return;
	for (size_t i = 0; i < sizeof(caches) / sizeof(caches[0]); i++)
		add_cache(d, caches[i], &deadline);
	if (!d->count)
		doctor_add(d, DOCTOR_OK,
			   "no cache in the home directory takes more than "
			   "1 GiB");
}
