/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
/*
 * Caches of programs on the data disk: home directories are small, and what a container
 * writes elsewhere is gone when it ends.
 */
#include "job/spec.h"

#include <string.h>
#include <sys/stat.h>
#include "base/path.h"

static const char *const caches[][2] = {
	{ "HF_HOME", "/huggingface" },
	{ "PIP_CACHE_DIR", "/pip" },
	{ "TORCH_HOME", "/torch" },
	{ "TORCHINDUCTOR_CACHE_DIR", "/torchinductor" },
	{ "TRITON_CACHE_DIR", "/triton" },
	{ "UV_CACHE_DIR", "/uv" },
	{ "XDG_CACHE_HOME", "" },
};

/* "$USER" is the one thing that a site has to leave open. */
static int expand(const char *text, const struct uc_spec_rules *rules, struct uc_buf *out,
		  struct uc_error *err)
{
	const char *user = uc_env_value(rules->environment, "USER"), *at;

	for (; (at = strstr(text, "$USER")); text = at + strlen("$USER")) {
		if (!user || !user[0] || strchr(user, '/'))
			return uc_fail(err, UC_USAGE, "'$USER' is not set");
		uc_buf_addn(out, text, (size_t)(at - text));
		uc_buf_add(out, user);
	}
	uc_buf_add(out, text);
	return 0;
}

static int mount(struct uc_spec *spec, const struct uc_spec_rules *rules,
		 const char *path, struct uc_error *err)
{
	const bool contained =
		spec->runtime != UC_RUNTIME_NONE && (spec->box.image || spec->box.name);

	if (!contained || rules->no_container || rules->no_default_mounts ||
	    uc_container_shows(&spec->box, path))
		return 0;
	return uc_container_add_mount(&spec->box, path, UC_MOUNT_KEEP, &rules->where,
				      err);
}

int uc_spec_add_caches(struct uc_spec *spec, const struct uc_spec_rules *rules,
		       const struct uc_setting *setting, struct uc_buf *missing,
		       struct uc_error *err)
{
	uc_auto(buf) struct uc_buf text = { 0 };
	uc_auto(buf) struct uc_buf path = { 0 };
	const char *base = setting->base ? setting->base[0] : rules->where.cwd;
	struct stat st;

	if (expand(setting->text, rules, &text, err) < 0 ||
	    uc_path_absolute(&path, uc_buf_text(&text), base, rules->where.home, err) < 0)
		return uc_context(err, "cache_dir of %s", setting->at.path);
	if (stat(uc_buf_text(&path), &st) < 0 || !S_ISDIR(st.st_mode)) {
		uc_buf_add(missing, uc_buf_text(&path));
		return missing->failed ? uc_fail(err, UC_FAILED, "out of memory") : 0;
	}
	for (size_t i = 0; i < sizeof(caches) / sizeof(caches[0]); i++)
		if (!uc_env_value(rules->environment, caches[i][0]) &&
		    !uc_spec_has_env(spec, caches[i][0]))
			uc_strv_addf(&spec->soft_env, "%s=%s%s", caches[i][0],
				     uc_buf_text(&path), caches[i][1]);
	if (spec->soft_env.failed || text.failed)
		return uc_fail(err, UC_FAILED, "out of memory");
	if (mount(spec, rules, uc_buf_text(&path), err) < 0)
		return -1;
	return uc_spec_mark_setting(spec, setting, NULL, err);
}
