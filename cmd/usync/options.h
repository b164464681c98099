/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
#ifndef UC_USYNC_OPTIONS_H
#define UC_USYNC_OPTIONS_H
/* Rows of options that several commands have, at their places in struct usync_args. */
#include "usync/command.h"

#define USYNC_AT(member) .offset = offsetof(struct usync_args, member)

// clang-format off
#define USYNC_WHAT_OPTIONS                                                               \
	{ "exclude", .type = UC_OPT_WORDS, .metavar = "PATTERN", USYNC_AT(exclude),          \
	  .group = "What travels", .help = "leave behind what matches",                  \
	  .doc = "Leave behind what matches, in the words of\n.Xr gitignore 5 .\n"       \
		 "May be given several times." },                                        \
	{ "include", .type = UC_OPT_WORDS, .metavar = "PATTERN", USYNC_AT(include),          \
	  .help = "take along what matches after all",                                   \
	  .doc = "Take along what matches after all; wins over\n.Fl -exclude\n"          \
		 "and over every file of rules.\nIt brings nothing back that is in a "   \
		 "folder which is left behind." },                                       \
	{ "exclude-from", .type = UC_OPT_WORDS, .metavar = "FILE", USYNC_AT(exclude_from),   \
	  .help = "take such patterns from a file" },                                    \
	{ "cross", .type = UC_OPT_FLAG, USYNC_AT(cross),                                     \
	  .help = "enter other file systems" }

#define USYNC_RULES_OPTIONS \
	{ "no-gitignore", .type = UC_OPT_FLAG, USYNC_AT(no_gitignore),                       \
	  .help = "do not care about .gitignore" },                                      \
	{ "no-defaults", .type = UC_OPT_FLAG, USYNC_AT(no_defaults),                         \
	  .help = "do not care about the default list",                                  \
	  .doc = "Do not care about the default list, see\n.Sx WHAT IS LEFT BEHIND ." }

#define USYNC_SECRET_OPTION                                                              \
	{ "allow-secrets", .type = UC_OPT_FLAG, USYNC_AT(allow_secrets),                     \
	  .help = "take along what looks like a secret" }

#define USYNC_SELECT_OPTION                                                              \
	{ "newest", .type = UC_OPT_NUMBER, .metavar = "N", .min = 1, .max = UINT32_MAX,  \
	  USYNC_AT(newest), .help = "the N latest files only",                               \
	  .doc = "Of the files that would be looked at, only the\n.Ar N\nthat "          \
		 "changed last." }

#define USYNC_HOW_OPTIONS                                                                \
	{ "dry-run", 'n', UC_OPT_FLAG, USYNC_AT(dry_run), .group = "What is done",           \
	  .help = "only say what would be done, file by file" },                         \
	{ "delete", .type = UC_OPT_FLAG, USYNC_AT(remove),                                   \
	  .help = "move to the trash what the source does not have",                     \
	  .doc = "Move to the trash of the destination what the source does not have.\n" \
		 "It is listed and counted first, and asked about;\nwithout a terminal " \
		 "that needs\n.Fl -yes .\nWhat rules leave behind is never deleted,\n"   \
		 "and nothing is where one of the sides could not be read whole." },     \
	{ "max-delete", .type = UC_OPT_NUMBER, .metavar = "N", .min = 1,                 \
	  .max = 1000000000, USYNC_AT(max_delete),                                           \
	  .help = "do nothing when --delete would move more",                            \
	  .doc = "Do nothing when\n.Fl -delete\nwould move more than\n.Ar N\nfiles and " \
		 "folders.\nOtherwise that is 1000, and half of what is there." },       \
	{ "checksum", .type = UC_OPT_FLAG, USYNC_AT(checksum),                               \
	  .help = "compare contents, not only size and time" },                          \
	{ "overwrite", .type = UC_OPT_FLAG, USYNC_AT(overwrite),                             \
	  .help = "the source wins where both sides changed",                            \
	  .doc = "The source wins where both sides changed,\nand where the "             \
		 "destination's file is newer.\nWhat is replaced goes to the trash." },  \
	{ "yes", 'y', UC_OPT_FLAG, USYNC_AT(yes), .help = "ask nothing" }

#define USYNC_LINK_OPTIONS                                                               \
	{ "transport", .type = UC_OPT_CHOICE, .metavar = "NAME", .choices = usync_transports, \
	  USYNC_AT(transport), .group = "Connection",                                        \
	  .help = "connect by auto, ssh or libssh2",                                     \
	  .doc = "Connect by\n.Xr ssh 1\n.Pq Cm ssh ,\nin this process\n"                \
		 ".Pq Cm libssh2 ,\nor by the fastest that can do what the ssh "         \
		 "configuration asks for\n.Pq Cm auto .\n.Fl v\nsays which it is, and "  \
		 "why." },                                                               \
	{ "config", .type = UC_OPT_STRING, .metavar = "FILE", USYNC_AT(config),              \
	  .help = "ssh's configuration, as ssh -F" },                                    \
	{ "helper", .type = UC_OPT_STRING, .metavar = "COMMAND_LINE", USYNC_AT(helper),      \
	  .help = "what starts usync there",                                             \
	  .doc = "The command line that starts usync there, such as\n"                   \
		 ".Ql /opt/ucluster/bin/usync --serve ;\nthe shell there reads it." },   \
	{ "sftp", .type = UC_OPT_FLAG, USYNC_AT(sftp),                                       \
	  .help = "use SFTP, although usync may be there" },                             \
	{ "timeout", .type = UC_OPT_DURATION, .metavar = "TIME", .min = 1, .max = 86400,     \
	  USYNC_AT(timeout), .help = "give up on a host that is silent for so long",     \
	  .doc = "Give up when the host is silent for\n.Ar TIME ,\nsuch as\n.Ql 30s ;\n"  \
		 "also while connecting.\nOtherwise that is a minute, and 20 seconds to "   \
		 "connect." }

#define USYNC_SPEED_OPTIONS                                                              \
	{ "streams", .type = UC_OPT_NUMBER, .metavar = "N", .min = 1, .max = 16,         \
	  USYNC_AT(streams), .group = "Speed", .help = "connections at a time" },            \
	{ "bwlimit", .type = UC_OPT_SIZE, .metavar = "SIZE", .min = 1024,                \
	  .max = INT64_C(1) << 50, USYNC_AT(bwlimit),                                        \
	  .help = "at most so much a second, such as 10M" },                             \
	{ "whole-file", .type = UC_OPT_FLAG, USYNC_AT(whole),                                \
	  .help = "send changed files whole, not their differences" },                   \
	{ "compress", .type = UC_OPT_NUMBER, .metavar = "LEVEL", .absent = "3",          \
	  .min = 1, .max = 19, USYNC_AT(compress), .help = "compress always",                \
	  .doc = "Compress always, at this level of\n.Xr zstd 1 ,\n3 when none is "      \
		 "given.\nOtherwise that is done where it helps." },                     \
	{ "no-compress", .type = UC_OPT_FLAG, USYNC_AT(no_compress),                         \
	  .help = "compress never" }

#define USYNC_SHOW_OPTIONS                                                               \
	{ "json", .type = UC_OPT_FLAG, USYNC_AT(json), .group = "Output",                    \
	  .help = "events as JSON, one a line",                                          \
	  .doc = "Print events as JSON, one object a line, see\n.Sx EVENTS ." },         \
	{ "quiet", 'Q', UC_OPT_FLAG, USYNC_AT(quiet),                                        \
	  .help = "say only what went wrong" }

#define USYNC_PRESET_OPTION                                                              \
	{ "preset", .type = UC_OPT_STRING, .metavar = "PROFILE", USYNC_AT(preset),           \
	  .group = "Connection", .help = "use this profile of the configuration" }
// clang-format on

extern const char *const usync_transports[];

#endif
