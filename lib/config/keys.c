/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
/* The schema: parses, checks, and prints the KEYS of ucluster.config(5). */
#include "config/schema.h"

#include <string.h>

static const char *const runtimes[] = { "auto", "pyxis", "enroot", "none", NULL };
static const char *const always[] = { "never", "always", NULL };
static const char *const sizes[] = { "smallest", "latest", NULL };
static const char *const transports[] = { "auto", "ssh", "libssh2", NULL };
static const char *const backgrounds[] = { "auto", "dark", "light", NULL };
static const char *const colors[] = { "auto", "always", "never", NULL };

/* A day's wait for an answer is a hang; srun itself gives up after about a minute. */
#define TIMEOUT_MAX 600
/* A session that is idle for longer than a job can run is never ended. */
#define IDLE_MAX (INT64_C(365) * 24 * 3600)
/* The longest that udash waits for a key before it stops asking; more is for ever. */
#define DASH_IDLE_MAX (INT64_C(7) * 24 * 3600)
/* A line of scrollback takes about 100 bytes of the node's memory. */
#define SCROLLBACK_MAX 1000000
/* More snapshots than anybody looks through, more files than anybody deletes by hand. */
#define SNAPSHOTS_MAX 10000
#define DELETIONS_MAX INT64_C(1000000000)
/* Slurm counts the CPUs of a task in 16 bits. */
#define CPUS_MAX 65534

static const struct uc_key keys[] = {
	{
		.name = "image",
		.type = UC_TYPE_STRING,
		.project = true,
		.profile = true,
		.environment = "UCLUSTER_IMAGE",
		.example = "pytorch_24.05",
		.help = "container image of jobs: a path, a short name looked up in "
			"image_dirs, or a registry reference",
	},
	{
		.name = "image_dirs",
		.type = UC_TYPE_LIST,
		.environment = "UCLUSTER_IMAGE_DIRS",
		.example = "/data/enroot",
		.help = "directories searched for images by short name, in order",
	},
	{
		.name = "image_packages",
		.type = UC_TYPE_STRING,
		.environment = "UCLUSTER_IMAGE_PACKAGES",
		.example = "lists/%n.txt",
		.help = "what lists of packages beside images are called, %n for the "
			"image's name; without it %n.packages or %n.sqsh.packages",
	},
	{
		.name = "template_dirs",
		.type = UC_TYPE_LIST,
		.environment = "UCLUSTER_TEMPLATE_DIRS",
		.example = "/data/templates",
		.help = "directories of templates for ucluster init, besides "
			"~/.config/ucluster/templates and those installed",
	},
	{
		.name = "mounts",
		.type = UC_TYPE_LIST,
		.project = true,
		.profile = true,
		.environment = "UCLUSTER_MOUNTS",
		.example = "/data:/data:ro",
		.help = "directories mounted into the container, SRC[:DST[:FLAGS]]; all "
			"layers add up, a later one wins on the same DST",
	},
	{
		.name = "workdir",
		.type = UC_TYPE_STRING,
		.project = true,
		.profile = true,
		.environment = "UCLUSTER_WORKDIR",
		.example = "/workspace",
		.help = "directory the job starts in, instead of the working directory",
	},
	{
		.name = "partition",
		.type = UC_TYPE_STRING,
		.project = true,
		.profile = true,
		.environment = "UCLUSTER_PARTITION",
		.example = "gpu",
		.help = "partition, or several separated by commas",
	},
	{
		.name = "account",
		.type = UC_TYPE_STRING,
		.project = true,
		.profile = true,
		.environment = "UCLUSTER_ACCOUNT",
		.example = "vision",
		.help = "account that is charged",
	},
	{
		.name = "qos",
		.type = UC_TYPE_STRING,
		.project = true,
		.profile = true,
		.environment = "UCLUSTER_QOS",
		.example = "normal",
		.help = "quality of service",
	},
	{
		.name = "gpus",
		.type = UC_TYPE_STRING,
		.project = true,
		.profile = true,
		.environment = "UCLUSTER_GPUS",
		.example = "a100:2",
		.help = "number of GPUs, [TYPE:]N, or several separated by commas",
	},
	{
		.name = "cpus_per_task",
		.type = UC_TYPE_NUMBER,
		.project = true,
		.profile = true,
		.min = 1,
		.max = CPUS_MAX,
		.environment = "UCLUSTER_CPUS_PER_TASK",
		.example = "8",
		.help = "CPUs of each task",
	},
	{
		.name = "mem",
		.type = UC_TYPE_SIZE,
		.project = true,
		.profile = true,
		.min = 0,
		.max = INT64_C(1) << 50,
		.environment = "UCLUSTER_MEM",
		.example = "24G",
		.help = "memory on each node; a bare number counts mebibytes, 0 is all of it",
	},
	{
		.name = "time",
		.type = UC_TYPE_DURATION,
		.project = true,
		.profile = true,
		.environment = "UCLUSTER_TIME",
		.example = "8h",
		.help = "time limit; a bare number counts minutes",
	},
	{
		.name = "env",
		.type = UC_TYPE_MAP,
		.project = true,
		.profile = true,
		.example = "OMP_NUM_THREADS: 8",
		.help = "environment variables of jobs; all layers add up, a later one wins "
			"on the same name",
	},
	{
		.name = "cache_dir",
		.type = UC_TYPE_STRING,
		.profile = true,
		.environment = "UCLUSTER_CACHE_DIR",
		.example = "/data/cache",
		.help = "directory for caches of programs, which jobs find through "
			"HF_HOME, PIP_CACHE_DIR, TORCH_HOME, TRITON_CACHE_DIR, "
			"XDG_CACHE_HOME and others that are not set; $USER in it is the "
			"user's name; mounted into the container",
	},
	{
		.name = "receipts",
		.type = UC_TYPE_BOOL,
		.builtin = "true",
		.environment = "UCLUSTER_RECEIPTS",
		.example = "false",
		.help = "keep a receipt of each job, for usrun --again",
	},
	{
		.name = "runtime",
		.type = UC_TYPE_STRING,
		.profile = true,
		.choices = runtimes,
		.builtin = "auto",
		.environment = "UCLUSTER_RUNTIME",
		.example = "pyxis",
		.help = "what starts containers; auto means pyxis where srun has it",
	},
	{
		.name = "import.dir",
		.type = UC_TYPE_STRING,
		.environment = "UCLUSTER_IMPORT_DIR",
		.example = "/data/enroot",
		.help = "directory that uimage import puts images into; otherwise the first "
			"of image_dirs that can be written to; $USER in it is the user's "
			"name",
	},
	{
		.name = "import.cache_dir",
		.type = UC_TYPE_STRING,
		.environment = "UCLUSTER_IMPORT_CACHE_DIR",
		.example = "/data/cache/$USER/enroot",
		.help = "directory for the layers that enroot downloads; otherwise what "
			"enroot is configured with, and never below the home directory",
	},
	{
		.name = "import.temp_dir",
		.type = UC_TYPE_STRING,
		.environment = "UCLUSTER_IMPORT_TEMP_DIR",
		.example = "/local",
		.help = "directory on nodes where images are unpacked meanwhile, best on a "
			"local disk; otherwise what enroot is configured with, TMPDIR, or "
			"/tmp",
	},
	{
		.name = "import.space",
		.type = UC_TYPE_SIZE,
		.min = 0,
		.max = INT64_C(1) << 50,
		.builtin = "10G",
		.environment = "UCLUSTER_IMPORT_SPACE",
		.example = "50G",
		.help = "free space that an import must find in each of these directories "
			"before it begins",
	},
	{
		.name = "slurm.timeout",
		.type = UC_TYPE_DURATION,
		.min = 1,
		.max = TIMEOUT_MAX,
		.builtin = "10s",
		.environment = "UCLUSTER_SLURM_TIMEOUT",
		.example = "20s",
		.help = "longest wait for an answer of slurmctld",
	},
	{
		.name = "slurm.conf",
		.type = UC_TYPE_STRING,
		.environment = "UCLUSTER_SLURM_CONF",
		.example = "/etc/slurm/slurm.conf",
		.help = "path of slurm.conf, in place of the one that Slurm finds by itself",
	},
	{
		.name = "session.detachable",
		.type = UC_TYPE_STRING,
		.profile = true,
		.choices = always,
		.builtin = "never",
		.environment = "UCLUSTER_SESSION_DETACHABLE",
		.example = "always",
		.help = "whether every usrun --pty is a detachable session",
	},
	{
		.name = "session.detach_key",
		.type = UC_TYPE_STRING,
		.builtin = "ctrl-a d",
		.environment = "UCLUSTER_SESSION_DETACH_KEY",
		.example = "ctrl-b d",
		.help = "keys that leave a session, one after another; \"none\" for none",
	},
	{
		.name = "session.idle",
		.type = UC_TYPE_DURATION,
		.profile = true,
		.min = 0,
		.max = IDLE_MAX,
		.builtin = "60m",
		.environment = "UCLUSTER_SESSION_IDLE",
		.example = "2h",
		.help = "a session, or another --pty, is warned of when nothing was "
			"typed, printed or computed for so long; 0 is never",
	},
	{
		.name = "session.grace",
		.type = UC_TYPE_DURATION,
		.profile = true,
		.min = 1,
		.max = IDLE_MAX,
		.builtin = "5m",
		.environment = "UCLUSTER_SESSION_GRACE",
		.example = "15m",
		.help = "time between that warning and the session's end",
	},
	{
		.name = "session.scrollback",
		.type = UC_TYPE_NUMBER,
		.min = 0,
		.max = SCROLLBACK_MAX,
		.builtin = "10000",
		.environment = "UCLUSTER_SESSION_SCROLLBACK",
		.example = "50000",
		.help = "lines above the screen that a session keeps for who attaches",
	},
	{
		.name = "session.size",
		.type = UC_TYPE_STRING,
		.choices = sizes,
		.builtin = "smallest",
		.environment = "UCLUSTER_SESSION_SIZE",
		.example = "latest",
		.help = "whose window a session fits where several are attached: the "
			"smallest, or that of who came or resized last",
	},
	{
		.name = "sync.host",
		.type = UC_TYPE_STRING,
		.project = true,
		.profile = true,
		.environment = "UCLUSTER_SYNC_HOST",
		.example = "cluster",
		.help = "where usync push and pull go: a Host of ssh_config(5), or "
			"[USER@]HOST[:PORT]; a project file may only name a Host",
	},
	{
		.name = "sync.dir",
		.type = UC_TYPE_STRING,
		.project = true,
		.profile = true,
		.environment = "UCLUSTER_SYNC_DIR",
		.example = "/data/me/proj",
		.help = "the project's folder there; a relative one is below the home "
			"directory",
	},
	{
		.name = "sync.exclude",
		.type = UC_TYPE_LIST,
		.project = true,
		.profile = true,
		.environment = "UCLUSTER_SYNC_EXCLUDE",
		.example = "[data/, '*.npy']",
		.help = "what usync leaves behind besides, in the words of gitignore(5)",
	},
	{
		.name = "sync.include",
		.type = UC_TYPE_LIST,
		.project = true,
		.profile = true,
		.environment = "UCLUSTER_SYNC_INCLUDE",
		.example = "[checkpoints/]",
		.help = "what it takes along although a .gitignore or the default list "
			"leaves it behind; wins over sync.exclude",
	},
	{
		.name = "sync.delete",
		.type = UC_TYPE_BOOL,
		.builtin = "false",
		.environment = "UCLUSTER_SYNC_DELETE",
		.example = "true",
		.help = "whether usync push moves to the trash there what is no longer "
			"here; it lists it and asks, as --delete does",
	},
	{
		.name = "sync.max_delete",
		.type = UC_TYPE_NUMBER,
		.min = 1,
		.max = DELETIONS_MAX,
		.environment = "UCLUSTER_SYNC_MAX_DELETE",
		.example = "100",
		.help = "most files and folders that one run may move to the trash; "
			"otherwise 1000, and half of all",
	},
	{
		.name = "sync.transport",
		.type = UC_TYPE_STRING,
		.choices = transports,
		.builtin = "auto",
		.environment = "UCLUSTER_SYNC_TRANSPORT",
		.example = "ssh",
		.help = "how usync connects: by ssh(1), in its own process by libssh2, or "
			"by the fastest that can do what the ssh configuration asks for",
	},
	{
		.name = "sync.helper",
		.type = UC_TYPE_STRING,
		.environment = "UCLUSTER_SYNC_HELPER",
		.example = "/opt/ucluster/bin/usync --serve",
		.help = "command line that starts usync there, where it is not in PATH",
	},
	{
		.name = "sync.keep",
		.type = UC_TYPE_NUMBER,
		.min = 1,
		.max = SNAPSHOTS_MAX,
		.builtin = "10",
		.environment = "UCLUSTER_SYNC_KEEP",
		.example = "30",
		.help = "how many of the latest snapshots usync prune keeps",
	},
	{
		.name = "sync.outputs",
		.type = UC_TYPE_LIST,
		.project = true,
		.profile = true,
		.environment = "UCLUSTER_SYNC_OUTPUTS",
		.example = "[logs/, 'results/*.json']",
		.help = "what usync pull --outputs brings here: paths and patterns below "
			"the project's folder",
	},
	{
		.name = "dash.interval",
		.type = UC_TYPE_NUMBER,
		.min = 2,
		.max = 3600,
		.builtin = "5",
		.environment = "UCLUSTER_DASH_INTERVAL",
		.example = "10",
		.help = "seconds between two questions of udash, as with --interval",
	},
	{
		.name = "dash.idle",
		.type = UC_TYPE_DURATION,
		.min = 0,
		.max = DASH_IDLE_MAX,
		.builtin = "30m",
		.environment = "UCLUSTER_DASH_IDLE",
		.example = "10m",
		.help = "udash stops asking when no key was pressed for so long; 0: never",
	},
	{
		.name = "dash.background",
		.type = UC_TYPE_STRING,
		.choices = backgrounds,
		.builtin = "auto",
		.environment = "UCLUSTER_DASH_BACKGROUND",
		.example = "light",
		.help = "of the terminal, for udash's colours; auto means as COLORFGBG says, "
			"else dark",
	},
	{
		.name = "dash.mouse",
		.type = UC_TYPE_BOOL,
		.builtin = "false",
		.environment = "UCLUSTER_DASH_MOUSE",
		.example = "true",
		.help = "whether clicks and the wheel work in udash",
	},
	{
		.name = "color",
		.type = UC_TYPE_STRING,
		.choices = colors,
		.builtin = "auto",
		.environment = "UCLUSTER_COLOR",
		.example = "never",
		.help = "colours in output; auto means on a terminal only",
	},
	{ .name = NULL },
};
_Static_assert(sizeof(keys) / sizeof(keys[0]) <= UC_KEYS_MAX, "raise UC_KEYS_MAX");

const struct uc_key *uc_config_keys(void)
{
	return keys;
}

const struct uc_key *uc_key_find(const char *name)
{
	for (const struct uc_key *k = keys; k->name; k++)
		if (strcmp(k->name, name) == 0)
			return k;
	return NULL;
}

size_t uc_key_index(const struct uc_key *key)
{
	return (size_t)(key - keys);
}

bool uc_key_adds_up(const struct uc_key *key)
{
	return strcmp(key->name, "mounts") == 0 || strcmp(key->name, "env") == 0;
}

const char *uc_layer_name(enum uc_layer layer)
{
	static const char *const names[] = {
		[UC_LAYER_BUILTIN] = "built-in",
		[UC_LAYER_SITE] = "site",
		[UC_LAYER_USER] = "user",
		[UC_LAYER_PROJECT] = "project",
		[UC_LAYER_ENVIRONMENT] = "environment",
		[UC_LAYER_OPTION] = "option",
	};

	return names[layer];
}
