/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
/* The option table: every spelling of every type, and what is said about wrong ones. */
#include <inttypes.h>
#include <string.h>
#include "common/opt.h"
#include "unit.h"

struct args {
	bool flag, yes;
	int count, choice;
	int64_t number, small, time;
	uint64_t mem;
	const char *string, *text, *maybe;
	struct uc_strv list, picks, words;
};

static const char *const choices[] = { "red", "green", "blue", NULL };

#define AT(field) .offset = offsetof(struct args, field), .help = "set " #field
static const struct uc_opt options[] = {
	{ "flag", 'f', UC_OPT_FLAG, AT(flag) },
	{ "yes", 'y', UC_OPT_BOOL, .absent = "yes", AT(yes) },
	{ "count", 'c', UC_OPT_COUNT, AT(count) },
	{ "choice", 'C', UC_OPT_CHOICE, .choices = choices, AT(choice) },
	{ "number", 'n', UC_OPT_NUMBER, .metavar = "N", AT(number) },
	{ "small", 's', UC_OPT_NUMBER, .min = -3, .max = 7, AT(small) },
	{ "time", 't', UC_OPT_DURATION, .min = 1, .max = 86400, AT(time) },
	{ "mem", 'm', UC_OPT_SIZE, .min = 1024, .max = INT64_C(1) << 40, AT(mem) },
	{ "string", 'S', UC_OPT_STRING, AT(string) },
	{ "text", 'T', UC_OPT_TEXT, AT(text) },
	{ "maybe", 'M', UC_OPT_STRING, .absent = "none", AT(maybe) },
	{ "list", 'l', UC_OPT_LIST, AT(list) },
	{ "picks", 'p', UC_OPT_LIST, .choices = choices, AT(picks) },
	{ "words", 'w', UC_OPT_WORDS, AT(words) },
	{ "hidden", .type = UC_OPT_FLAG, .flags = UC_OPT_HIDDEN, AT(flag) },
	{ 0 }
};
static const struct uc_cmd any = { .name = "try",
				   .summary = "try",
				   .options = options,
				   .operands = "WORD",
				   .shared = UC_SHARED_COLOR | UC_SHARED_VERBOSE |
					     UC_SHARED_SOURCE };

struct seen {
	struct args args;
	struct uc_parsed parsed;
	struct uc_error err;
	int rc;
};

static void forget(struct seen *seen)
{
	uc_parsed_free(&seen->parsed);
	uc_strv_free(&seen->args.list);
	uc_strv_free(&seen->args.picks);
	uc_strv_free(&seen->args.words);
}

/* Parse words that are separated by blanks; "_" is a word of no letters. */
static void parse(const struct uc_cmd *cmd, const char *line, struct seen *seen)
{
	static char text[512], empty[1];
	char *argv[32] = { text }, *save = NULL;
	int argc = 1;

	assert_true(strlen(line) < sizeof(text));
	memcpy(text, line, strlen(line) + 1);
	for (char *w = strtok_r(text, " ", &save); w; w = strtok_r(NULL, " ", &save))
		argv[argc++] = strcmp(w, "_") == 0 ? empty : w;
	*seen = (struct seen){ 0 };
	seen->rc = uc_opt_parse(cmd, argv, &seen->args, &seen->parsed, &seen->err);
}

static void test_every_spelling_of_every_type(void **state)
{
	static const struct {
		const char *line;
		size_t offset;
		int64_t want;
		size_t size;
	} cases[] = {
#define CASE(line, field, want)                                                          \
	{ line, offsetof(struct args, field), want, sizeof(((struct args *)0)->field) }
		CASE("--flag", flag, 1),
		CASE("-f", flag, 1),
		CASE("--fl", flag, 1),
		CASE("-fc", flag, 1),
		CASE("-cf", count, 1),
		CASE("--yes", yes, 1),
		CASE("--yes=yes", yes, 1),
		CASE("--yes --yes=no", yes, 0),
		CASE("-y -yno", yes, 0),
		CASE("-y", yes, 1),
		CASE("--yes=on", yes, 1),
		CASE("-y --yes=off", yes, 0),
		CASE("--yes=true", yes, 1),
		CASE("-y --yes=0", yes, 0),
		CASE("--cou", count, 1),
		CASE("-ccc", count, 3),
		CASE("-c --count -c", count, 3),
		CASE("--choice=blue", choice, 2),
		CASE("--choice green", choice, 1),
		CASE("-Cred", choice, 0),
		CASE("-C blue", choice, 2),
		CASE("--number=17", number, 17),
		CASE("--number -17", number, -17),
		CASE("--num 0", number, 0),
		CASE("-n4", number, 4),
		CASE("-n 4", number, 4),
		CASE("-fn4", number, 4),
		CASE("-n1 -n2", number, 2),
		CASE("-n 9223372036854775807", number, INT64_MAX),
		CASE("--small=7", small, 7),
		CASE("-s -3", small, -3),
		CASE("--time=90", time, 5400),
		CASE("-t 1h30m", time, 5400),
		CASE("-t45s", time, 45),
		CASE("--mem=1G", mem, INT64_C(1) << 30),
		CASE("-m 24KB", mem, 24 * 1024),
		CASE("-m512M", mem, INT64_C(512) << 20),
		CASE("word -f", flag, 1),
		CASE("-- -f", flag, 0),
		CASE("- -f", flag, 1),
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct seen seen;
		int64_t got = 0;

		parse(&any, cases[i].line, &seen);
		if (seen.rc < 0)
			fail_msg("%s: %s", cases[i].line, seen.err.text);
		memcpy(&got, (char *)&seen.args + cases[i].offset, cases[i].size);
		if (got != cases[i].want)
			fail_msg("%s: got %" PRId64, cases[i].line, got);
		forget(&seen);
	}
}

static void check_text(const char *line, size_t offset, const char *want)
{
	struct seen seen;
	const char *got;

	parse(&any, line, &seen);
	if (seen.rc < 0)
		fail_msg("%s: %s", line, seen.err.text);
	memcpy(&got, (char *)&seen.args + offset, sizeof(got));
	assert_string_equal(got, want);
	forget(&seen);
}

static void test_texts_are_taken_as_they_are(void **state)
{
	(void)state;
	check_text("--string=a=b", offsetof(struct args, string), "a=b");
	check_text("--string --flag", offsetof(struct args, string), "--flag");
	check_text("-Sx", offsetof(struct args, string), "x");
	check_text("-S=x", offsetof(struct args, string), "=x");
	check_text("-S --", offsetof(struct args, string), "--");
	check_text("--text=", offsetof(struct args, text), "");
	check_text("--text _", offsetof(struct args, text), "");
	check_text("--maybe", offsetof(struct args, maybe), "none");
	check_text("--maybe x", offsetof(struct args, maybe), "none");
	check_text("--maybe=x", offsetof(struct args, maybe), "x");
	check_text("-Mx", offsetof(struct args, maybe), "x");
	check_text("-fM", offsetof(struct args, maybe), "none");
}

static void test_lists_add_up(void **state)
{
	struct seen seen;

	(void)state;
	parse(&any, "--list=a,b -l c --list d,e --picks=red,blue -w a,b --words _",
	      &seen);
	assert_int_equal(seen.rc, 0);
	assert_int_equal(seen.args.list.count, 5);
	assert_string_equal(seen.args.list.item[0], "a");
	assert_string_equal(seen.args.list.item[4], "e");
	assert_int_equal(seen.args.picks.count, 2);
	assert_int_equal(seen.args.words.count, 2);
	assert_string_equal(seen.args.words.item[0], "a,b");
	assert_string_equal(seen.args.words.item[1], "");
	forget(&seen);
}

static void check_operands(const struct uc_cmd *cmd, const char *line, const char *want)
{
	uc_auto(buf) struct uc_buf got = { 0 };
	struct seen seen;

	parse(cmd, line, &seen);
	if (seen.rc < 0)
		fail_msg("%s: %s", line, seen.err.text);
	for (size_t i = 0; i < seen.parsed.operands.count; i++)
		uc_buf_addf(&got, "[%s]", seen.parsed.operands.item[i]);
	assert_string_equal(uc_buf_text(&got), want);
	forget(&seen);
}

static void test_operands_may_come_anywhere_unless_in_order(void **state)
{
	struct uc_cmd in_order = any;

	(void)state;
	in_order.in_order = true;
	check_operands(&any, "a -f b --number 3 c", "[a][b][c]");
	check_operands(&any, "a -- -f --number", "[a][-f][--number]");
	check_operands(&any, "- _ a", "[-][][a]");
	check_operands(&any, "-- --", "[--]");
	check_operands(&in_order, "-f a -f --number", "[a][-f][--number]");
	check_operands(&in_order, "-f -- a -- b", "[a][--][b]");
	check_operands(&in_order, "-n 3 a", "[a]");
}

static void check_fails(const struct uc_cmd *cmd, const char *line, const char *want)
{
	struct seen seen;

	parse(cmd, line, &seen);
	assert_int_equal(seen.rc, -1);
	assert_int_equal(seen.err.code, UC_USAGE);
	assert_string_equal(seen.err.text, want);
	forget(&seen);
}

static void test_wrong_words_are_named(void **state)
{
	struct uc_cmd one = any, none = any;

	(void)state;
	one.min_operands = one.max_operands = 1;
	none.operands = NULL;
	check_fails(&any, "--nubmer=3",
		    "unknown option '--nubmer': did you mean '--number'?");
	check_fails(&one, "", "missing WORD: see 'try --help'");
	check_fails(&one, "a b", "unexpected word 'b': see 'try --help'");
	check_fails(&none, "a", "unexpected word 'a': see 'try --help'");
}

static void test_wrong_values_are_named(void **state)
{
	static const struct {
		const char *line, *text;
	} cases[] = {
		{ "--qqqqq", "unknown option '--qqqqq': see 'try --help'" },
		{ "--=x", "unknown option '--': see 'try --help'" },
		{ "--hid", "unknown option '--hid': see 'try --help'" },
		{ "-q", "unknown option '-q': see 'try --help'" },
		{ "-fq", "unknown option '-q': see 'try --help'" },
		{ "--s", "option '--s' is ambiguous: '--small', '--string'" },
		{ "--flag=1", "option '--flag' takes no value, got '1'" },
		{ "--flag=", "option '--flag' takes no value, got ''" },
		{ "--number", "option '--number' needs a value: N" },
		{ "-n", "option '--number' needs a value: N" },
		{ "-fn", "option '--number' needs a value: N" },
		{ "--number=", "option '--number': '' is not a whole number" },
		{ "--number=3x", "option '--number': '3x' is not a whole number" },
		{ "--number=+3", "option '--number': '+3' is not a whole number" },
		{ "--number=-", "option '--number': '-' is not a whole number" },
		{ "--number=0x3", "option '--number': '0x3' is not a whole number" },
		{ "-n 9223372036854775808",
		  "option '--number': 9223372036854775808 is too large" },
		{ "--small=8", "option '--small': 8 is not between -3 and 7" },
		{ "--small=-4", "option '--small': -4 is not between -3 and 7" },
		{ "--time=2d", "option '--time': '2d' is not between 1s and 1d" },
		{ "--mem=1B", "option '--mem': '1B' is not between 1K and 1T" },
		{ "--choice=pink", "option '--choice': 'pink' is none of 'red', 'green', "
				   "'blue'" },
		{ "--choice=Red", "option '--choice': 'Red' is none of 'red', 'green', "
				  "'blue'" },
		{ "--picks=red,pink",
		  "option '--picks': 'pink' is none of 'red', 'green', "
		  "'blue'" },
		{ "--yes=maybe", "option '--yes': 'maybe' is neither 'yes' nor 'no'" },
		{ "--string=",
		  "option '--string' needs a value that is not empty: VALUE" },
		{ "--list=", "option '--list' needs a value that is not empty: VALUE" },
		{ "--list=a,", "option '--list' needs a value that is not empty: VALUE" },
		{ "--list=,a", "option '--list' needs a value that is not empty: VALUE" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		check_fails(&any, cases[i].line, cases[i].text);
}

static void test_help_and_version_end_the_parsing(void **state)
{
	struct uc_cmd listing = any;
	static const struct uc_opt own_h[] = { { "half", 'h', UC_OPT_FLAG, AT(flag) },
					       { 0 } };
	struct seen seen;

	(void)state;
	parse(&any, "-f --help --nonsense", &seen);
	assert_int_equal(seen.rc, 0);
	assert_string_equal(seen.parsed.help, "");
	forget(&seen);
	parse(&any, "--help=bash", &seen);
	assert_string_equal(seen.parsed.help, "bash");
	forget(&seen);
	parse(&any, "-h", &seen);
	assert_string_equal(seen.parsed.help, "");
	forget(&seen);
	parse(&any, "-V --nonsense", &seen);
	assert_true(seen.parsed.version);
	forget(&seen);
	listing.options = own_h;
	parse(&listing, "-h", &seen);
	assert_null(seen.parsed.help);
	assert_true(seen.args.flag);
	forget(&seen);
}

static void test_shared_options_are_there_when_asked_for(void **state)
{
	struct uc_cmd bare = any;
	struct seen seen;

	(void)state;
	bare.shared = 0;
	parse(&any, "-vv --color=never --source=record:x", &seen);
	assert_int_equal(seen.rc, 0);
	assert_int_equal(seen.parsed.verbose, 2);
	assert_int_equal(seen.parsed.color, UC_COLOR_NEVER);
	assert_string_equal(seen.parsed.source, "record:x");
	forget(&seen);
	parse(&any, "--color", &seen);
	assert_int_equal(seen.parsed.color, UC_COLOR_ALWAYS);
	forget(&seen);
	check_fails(&bare, "-v", "unknown option '-v': see 'try --help'");
	check_fails(&bare, "--color", "unknown option '--color': see 'try --help'");
}

static bool foreign(size_t index, struct uc_opt *out)
{
	static const struct uc_opt rows[] = {
		{ "partition", 'P', UC_OPT_STRING, .metavar = "PARTITION" },
		{ "exclusive", .type = UC_OPT_STRING, .absent = "" },
	};

	if (index >= sizeof(rows) / sizeof(rows[0]))
		return false;
	*out = rows[index];
	return true;
}

static void test_foreign_options_are_suggested_and_completed_only(void **state)
{
	static const char *const forms[] = { "bash", "zsh", "fish", "mdoc-foreign" };
	struct uc_cmd cmd = any;

	(void)state;
	cmd.foreign = foreign;
	check_fails(&cmd, "--partiton=x",
		    "unknown option '--partiton': did you mean '--partition'?");
	for (size_t i = 0; i < 4; i++) {
		uc_auto(buf) struct uc_buf out = { 0 };

		assert_int_equal(uc_opt_help(&cmd, forms[i], 80, &out, NULL), 0);
		assert_non_null(strstr(uc_buf_text(&out), "partition"));
		assert_non_null(strstr(uc_buf_text(&out), "exclusive"));
		assert_null(strstr(uc_buf_text(&out), "hidden"));
	}
}

static size_t widest_line(const char *text)
{
	size_t widest = 0;

	while (*text) {
		size_t len = strcspn(text, "\n");

		widest = len > widest ? len : widest;
		text += len + (text[len] == '\n');
	}
	return widest;
}

static void test_help_fits_the_terminal(void **state)
{
	(void)state;
	for (int columns = 40; columns <= 300; columns += 20) {
		uc_auto(buf) struct uc_buf out = { 0 };

		assert_int_equal(uc_opt_help(&any, "", columns, &out, NULL), 0);
		assert_true(widest_line(uc_buf_text(&out)) <= (size_t)columns);
		assert_non_null(strstr(uc_buf_text(&out), "--number=N"));
		assert_non_null(strstr(uc_buf_text(&out), "--maybe[=VALUE]"));
		assert_null(strstr(uc_buf_text(&out), "--hidden"));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_spelling_of_every_type),
		cmocka_unit_test(test_texts_are_taken_as_they_are),
		cmocka_unit_test(test_lists_add_up),
		cmocka_unit_test(test_operands_may_come_anywhere_unless_in_order),
		cmocka_unit_test(test_wrong_words_are_named),
		cmocka_unit_test(test_wrong_values_are_named),
		cmocka_unit_test(test_help_and_version_end_the_parsing),
		cmocka_unit_test(test_shared_options_are_there_when_asked_for),
		cmocka_unit_test(test_foreign_options_are_suggested_and_completed_only),
		cmocka_unit_test(test_help_fits_the_terminal),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
