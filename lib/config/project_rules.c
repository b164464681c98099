/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
/*
 * What a project file may do. It comes with a cloned repository, and is read by every
 * command that is run there: like git's protected configuration, nothing in it may make
 * another program run, another file be read, or another place be written.
 */
#include "config/schema.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static const char loads[] = "it makes programs load other code";
static const char runs[] = "it makes programs run commands";
static const char belongs[] = "it belongs to Slurm and the container tools";
static const char redirects[] = "it redirects downloads or their verification";
static const char identity[] = "it says who and where the user is";

/* A name ending with '*' is a prefix. Names that only tune stay allowed
 * (PYTHONUNBUFFERED). */
static const struct {
	const char *name, *reason;
} refused[] = {
	/* The dynamic linker and libc: at work in srun itself, on the login node. */
	{ "LD_*", loads },
	{ "DYLD_*", loads },
	{ "GCONV_PATH", loads },
	{ "GLIBC_TUNABLES", loads },
	{ "LOCPATH", loads },
	{ "NLSPATH", loads },
	{ "PATH", loads },
	/* Interpreters: start-up files, module paths, options that name code. */
	{ "BASH_ENV", runs },
	{ "BASH_FUNC_*", runs },
	{ "ENV", runs },
	{ "ZDOTDIR", runs },
	{ "SHELLOPTS", runs },
	{ "BASHOPTS", runs },
	{ "PS0", runs },
	{ "PS1", runs },
	{ "PS2", runs },
	{ "PS4", runs },
	{ "IFS", runs },
	{ "PROMPT_COMMAND", runs },
	{ "PYTHONSTARTUP", runs },
	{ "PYTHONBREAKPOINT", runs },
	{ "PYTHONINSPECT", runs },
	{ "PYTHONWARNINGS", runs },
	{ "PYTHONPATH", loads },
	{ "PYTHONHOME", loads },
	{ "PYTHONUSERBASE", loads },
	{ "PYTHONPYCACHEPREFIX", loads },
	{ "PYTHONPLATLIBDIR", loads },
	{ "PERL5*", loads },
	{ "PERLLIB", loads },
	{ "RUBY*", loads },
	{ "NODE_*", loads },
	{ "LUA_*", loads },
	{ "R_*", loads },
	{ "JULIA_*", loads },
	{ "JAVA_TOOL_OPTIONS", loads },
	{ "_JAVA_OPTIONS", loads },
	{ "JDK_JAVA_OPTIONS", loads },
	{ "CLASSPATH", loads },
	/* Tools that start what a variable names. */
	{ "EDITOR", runs },
	{ "VISUAL", runs },
	{ "PAGER", runs },
	{ "MANPAGER", runs },
	{ "LESS*", runs },
	{ "BROWSER", runs },
	{ "SHELL", runs },
	{ "GIT_*", runs },
	{ "SSH_*", runs },
	{ "RSYNC_*", runs },
	{ "TAR_OPTIONS", runs },
	{ "MAKEFLAGS", runs },
	{ "CC", runs },
	{ "CXX", runs },
	{ "NVCC_*", runs },
	{ "OMPI_MCA_*", runs },
	{ "PRTE_MCA_*", runs },
	{ "PMIX_MCA_*", runs },
	{ "UCX_MODULE_DIR", loads },
	{ "NCCL_NET_PLUGIN", loads },
	{ "NCCL_TUNER_PLUGIN", loads },
	{ "NCCL_PROFILER_PLUGIN", loads },
	{ "CUDA_INJECTION64_PATH", loads },
	{ "OPENSSL_CONF", loads },
	{ "OPENSSL_ENGINES", loads },
	/* What the scheduler and the container runtime set and believe. */
	{ "SLURM*", belongs },
	{ "_SLURM*", belongs },
	{ "SPANK_*", belongs },
	{ "SRUN_*", belongs },
	{ "SBATCH_*", belongs },
	{ "SALLOC_*", belongs },
	{ "SQUEUE_*", belongs },
	{ "SCANCEL_*", belongs },
	{ "MUNGE*", belongs },
	{ "ENROOT_*", belongs },
	{ "PYXIS_*", belongs },
	{ "UCLUSTER_*", belongs },
	{ "USRUN_*", belongs },
	{ "UC_*", belongs },
	{ "CUDA_VISIBLE_DEVICES", belongs },
	{ "NVIDIA_VISIBLE_DEVICES", belongs },
	{ "NVIDIA_DRIVER_CAPABILITIES", belongs },
	{ "NVIDIA_REQUIRE_*", belongs },
	{ "ROCR_VISIBLE_DEVICES", belongs },
	{ "MELLANOX_VISIBLE_DEVICES", belongs },
	/* Where downloads come from and what vouches for them. */
	{ "http_proxy", redirects },
	{ "https_proxy", redirects },
	{ "all_proxy", redirects },
	{ "HTTP_PROXY", redirects },
	{ "HTTPS_PROXY", redirects },
	{ "ALL_PROXY", redirects },
	{ "PIP_*", redirects },
	{ "UV_*", redirects },
	{ "CONDA_*", redirects },
	{ "CONDARC", redirects },
	{ "NPM_*", redirects },
	{ "npm_*", redirects },
	{ "CURL_*", redirects },
	{ "WGETRC", redirects },
	{ "SSL_*", redirects },
	{ "REQUESTS_CA_BUNDLE", redirects },
	{ "HF_ENDPOINT", redirects },
	/* Homes, users, and the files that are found by them. */
	{ "HOME", identity },
	{ "USER", identity },
	{ "LOGNAME", identity },
	{ "XDG_*", identity },
	{ "KRB5*", identity },
	{ "HOSTALIASES", identity },
	{ "TMPDIR", identity },
};

const char *uc_project_env_reason(const char *name)
{
	for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
		const char *rule = refused[i].name;
		size_t len = strlen(rule) - 1;

		if (rule[len] == '*' ? strncmp(name, rule, len) == 0
				     : strcmp(name, rule) == 0)
			return refused[i].reason;
	}
	return NULL;
}

/* Has the path a ".." among its first `len` bytes? */
static bool goes_up(const char *path, size_t len)
{
	for (size_t i = 0; i < len;) {
		size_t n = strcspn(path + i, "/");

		if (n > len - i)
			n = len - i;
		if (n == 2 && memcmp(path + i, "..", 2) == 0)
			return true;
		i += n + 1;
	}
	return false;
}

static int outside(const char *mount, const char *why, struct uc_error *err)
{
	uc_fail(err, UC_USAGE,
		"a project file may only mount its own directory, not '%.*s'%s",
		UC_SHOWN(mount), why);
	return uc_hint(err, "put this mount into the user file, "
			    "~/.config/ucluster/config.yaml");
}

/*
 * The path without links; NULL with *err when that cannot be told, without when it is not
 * there: what does not exist cannot lead anywhere.
 */
static char *resolve(const char *path, struct uc_error *err)
{
	char *real = realpath(path, NULL);

	if (!real && errno != ENOENT && errno != ENOTDIR)
		uc_fail_errno(err, UC_USAGE, errno, "cannot follow '%.*s'",
			      UC_SHOWN(path));
	return real;
}

/* A link in the repository must not lead out of it. */
static int check_links(const char *folder, const char *mount, size_t len,
		       struct uc_error *err)
{
	uc_auto(buf) struct uc_buf path = { 0 };
	char *root, *real;
	bool inside = true;

	err->code = UC_OK;
	uc_buf_addf(&path, "%s/%.*s", folder, (int)len, mount);
	if (path.failed)
		return uc_fail(err, UC_FAILED, "out of memory");
	root = resolve(folder, err);
	real = root ? resolve(uc_buf_text(&path), err) : NULL;
	if (real && strcmp(root, "/") != 0)
		inside = strncmp(real, root, strlen(root)) == 0 &&
			 (real[strlen(root)] == '/' || real[strlen(root)] == '\0');
	free(root);
	free(real);
	if (!inside)
		return outside(mount, ", a link that leads out of it", err);
	return err->code == UC_OK ? 0 : -1;
}

int uc_project_mount_check(const char *folder, const char *mount, struct uc_error *err)
{
	size_t len = strcspn(mount, ":");

	if (mount[0] == '/' || mount[0] == '~' || memchr(mount, '$', len))
		return outside(mount, "", err);
	if (goes_up(mount, len))
		return outside(mount, ", which leads out of it", err);
	return check_links(folder, mount, len, err);
}

/*
 * ssh's own configuration says who connects where, and how: the file may choose among the
 * user's Hosts, and bring no user, port or option.
 */
int uc_project_host_check(const char *host, struct uc_error *err)
{
	if (host[0] != '-' && host[0] != '.' &&
	    strspn(host, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
			 "0123456789._-") == strlen(host))
		return 0;
	uc_fail(err, UC_USAGE,
		"a project file may only name a Host of ssh_config(5), not '%.*s'",
		UC_SHOWN(host));
	return uc_hint(err, "put user and port into ~/.ssh/config, or this into the user "
			    "file, ~/.config/ucluster/config.yaml");
}
