/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
/*
 * Markers of PEP 508: python_version < "3.9" and (sys_platform == "linux" or ...). The
 * platform is known, images are Linux'; Python and machine are if the image told.
 */
#include "image/version.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

enum {
	DEPTH_MAX = 30,
	VALUE_MAX = 128, /* bytes of a value that anything is compared with */
};

struct marker {
	const char *at;
	const struct uc_marker_facts *facts;
	int depth;
	bool failed;
};

struct value {
	char text[VALUE_MAX];
	bool known, literal;
};

static void skip_blanks(struct marker *m)
{
	while (isspace((unsigned char)*m->at))
		m->at++;
}

static bool take(struct marker *m, const char *word)
{
	size_t len = strlen(word);

	skip_blanks(m);
	if (strncmp(m->at, word, len) != 0)
		return false;
	/* a word ends where it ends */
	if (isalpha((unsigned char)word[0]) &&
	    (isalnum((unsigned char)m->at[len]) || m->at[len] == '_'))
		return false;
	m->at += len;
	return true;
}

static const struct {
	const char *name, *value;
} constants[] = {
	{ "os_name", "posix" },
	{ "sys_platform", "linux" },
	{ "platform_system", "Linux" },
	{ "platform_python_implementation", "CPython" },
	{ "implementation_name", "cpython" },
	{ "extra", "" },
	{ "os.name", "posix" },
	{ "sys.platform", "linux" },
	{ "python_implementation", "CPython" },
	{ "platform.python_implementation", "CPython" },
};
static const char *const unknowns[] = { "platform_release", "platform_version",
					"platform.version", "implementation_version",
					NULL };

static void set(struct value *out, const char *text, size_t len)
{
	if (!text || len >= sizeof(out->text))
		return;
	memcpy(out->text, text, len);
	out->text[len] = '\0';
	out->known = true;
}

/* "3.10" of "3.10.12" */
static size_t minor_length(const char *version)
{
	size_t len = strspn(version, "0123456789");

	if (version[len] == '.')
		len += 1 + strspn(version + len + 1, "0123456789");
	return len;
}

/* A value that has a name; false: there is none of that name. */
static bool take_variable(struct marker *m, struct value *out)
{
	const char *python = m->facts->python, *machine = m->facts->machine;

	if (take(m, "python_full_version")) {
		/* "3.10" may be any 3.10.x */
		if (python && python[minor_length(python)])
			set(out, python, strlen(python));
		return true;
	}
	if (take(m, "python_version")) {
		if (python)
			set(out, python, minor_length(python));
		return true;
	}
	if (take(m, "platform_machine") || take(m, "platform.machine")) {
		if (machine)
			set(out, machine, strlen(machine));
		return true;
	}
	for (size_t i = 0; i < sizeof(constants) / sizeof(constants[0]); i++)
		if (take(m, constants[i].name)) {
			set(out, constants[i].value, strlen(constants[i].value));
			return true;
		}
	for (size_t i = 0; unknowns[i]; i++)
		if (take(m, unknowns[i]))
			return true;
	return false;
}

static void take_value(struct marker *m, struct value *out)
{
	const char *end;

	*out = (struct value){ 0 };
	skip_blanks(m);
	if (*m->at != '"' && *m->at != '\'') {
		if (!take_variable(m, out))
			m->failed = true;
		return;
	}
	end = strchr(m->at + 1, *m->at);
	if (!end) {
		m->failed = true;
		return;
	}
	out->literal = true;
	set(out, m->at + 1, (size_t)(end - m->at - 1));
	m->at = end + 1;
}

static const char *take_operator(struct marker *m)
{
	static const char *const ops[] = { "===", "==", "~=", "!=", "<=",
					   ">=",  "<",  ">",  "in", NULL };

	for (const char *const *op = ops; *op; op++)
		if (take(m, *op))
			return *op;
	if (take(m, "not") && take(m, "in"))
		return "not in";
	m->failed = true;
	return "";
}

/* As versions where what is asked for is one, else as texts. */
static enum uc_truth compare(const struct value *left, const char *op,
			     const struct value *right)
{
	char specifier[VALUE_MAX + 8];
	int order;
	bool met;

	if (!left->known || !right->known)
		return UC_UNSURE;
	if (strcmp(op, "in") == 0)
		return strstr(right->text, left->text) ? UC_TRUE : UC_FALSE;
	if (strcmp(op, "not in") == 0)
		return strstr(right->text, left->text) ? UC_FALSE : UC_TRUE;
	snprintf(specifier, sizeof(specifier), "%s%s", op, right->text);
	if (uc_version_is_valid(left->text) && !strchr(right->text, ',') &&
	    uc_version_meets(left->text, specifier, &met, NULL) == 0)
		return met ? UC_TRUE : UC_FALSE;
	order = strcmp(left->text, right->text);
	if (strcmp(op, "==") == 0 || strcmp(op, "===") == 0)
		return order == 0 ? UC_TRUE : UC_FALSE;
	if (strcmp(op, "!=") == 0)
		return order != 0 ? UC_TRUE : UC_FALSE;
	if (op[0] == '~')
		return UC_UNSURE;
	if (order == 0)
		return op[1] == '=' ? UC_TRUE : UC_FALSE;
	return (order < 0) == (op[0] == '<') ? UC_TRUE : UC_FALSE;
}

static enum uc_truth take_or(struct marker *m);

static enum uc_truth take_one(struct marker *m)
{
	struct value left, right;
	enum uc_truth inner;
	const char *op;

	if (take(m, "(")) {
		if (++m->depth > DEPTH_MAX) {
			m->failed = true;
			return UC_UNSURE;
		}
		inner = take_or(m);
		m->depth--;
		if (!take(m, ")"))
			m->failed = true;
		return inner;
	}
	take_value(m, &left);
	op = take_operator(m);
	take_value(m, &right);
	return m->failed ? UC_UNSURE : compare(&left, op, &right);
}

static enum uc_truth take_and(struct marker *m)
{
	enum uc_truth all = take_one(m);

	while (!m->failed && take(m, "and")) {
		enum uc_truth one = take_one(m);

		if (all == UC_FALSE || one == UC_FALSE)
			all = UC_FALSE;
		else if (one == UC_UNSURE)
			all = UC_UNSURE;
	}
	return all;
}

static enum uc_truth take_or(struct marker *m)
{
	enum uc_truth any = take_and(m);

	while (!m->failed && take(m, "or")) {
		enum uc_truth one = take_and(m);

		if (any == UC_TRUE || one == UC_TRUE)
			any = UC_TRUE;
		else if (one == UC_UNSURE)
			any = UC_UNSURE;
	}
	return any;
}

bool uc_marker_evaluate(const char *marker, const struct uc_marker_facts *facts,
			enum uc_truth *out)
{
	struct marker m = { .at = marker, .facts = facts };

	*out = take_or(&m);
	skip_blanks(&m);
	return !m.failed && *m.at == '\0';
}
