/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
/* The YAML reader by itself: positions, kinds, limits. */
#include "config_unit.h"

#include <stdlib.h>

struct tree {
	struct uc_arena *arena;
	struct uc_node *root;
	struct uc_buf said;
};

static void read_tree(struct tree *tree, const char *bytes, size_t len)
{
	uc_auto(errors) struct uc_errors faults = { 0 };
	size_t count;

	*tree = (struct tree){ .arena = uc_arena_new() };
	count = uc_yaml_read(tree->arena, &(struct uc_yaml_file){ "f", bytes, len },
			     &tree->root, &faults);
	assert_int_equal(count, faults.count);
	faults_text(&tree->said, &faults);
}

static void free_tree(struct tree *tree)
{
	uc_buf_free(&tree->said);
	uc_arena_free(tree->arena);
}

static const struct uc_node *child(const struct uc_node *node, size_t index)
{
	node = node->first;
	while (index-- > 0)
		node = node->next;
	return node;
}

static void check_place(struct uc_place at, int line, int column)
{
	assert_int_equal(at.line, line);
	assert_int_equal(at.column, column);
}

static void test_every_node_knows_its_place(void **state)
{
	static const char text[] = "\xef\xbb\xbf# caf\xc3\xa9\r\n"
				   "gr\xc3\xbc\xc3\x9f: {'a': \"b\", c: [d,  e]}\r\n"
				   "\r\n"
				   "list:\r\n"
				   "  - one\r\n"
				   "  -   two: 2\r\n"
				   "      three: |\r\n"
				   "        text\r\n";
	struct tree tree;
	const struct uc_node *n;

	(void)state;
	read_tree(&tree, text, sizeof(text) - 1);
	assert_string_equal(uc_buf_text(&tree.said), "");
	n = child(tree.root, 0);
	check_place(n->key_at, 2, 1);
	check_place(n->at, 2, 7);
	assert_int_equal(n->kind, UC_NODE_MAP);
	check_place(child(n, 0)->key_at, 2, 8);
	check_place(child(n, 0)->at, 2, 13);
	assert_true(child(n, 0)->quoted);
	check_place(child(child(n, 1), 1)->at, 2, 26);
	assert_string_equal(child(child(n, 1), 1)->text, "e");
	n = child(tree.root, 1);
	check_place(n->key_at, 4, 1);
	check_place(child(n, 0)->at, 5, 5);
	assert_false(child(n, 0)->quoted);
	check_place(child(child(n, 1), 0)->key_at, 6, 7);
	check_place(child(child(n, 1), 1)->key_at, 7, 7);
	check_place(child(child(n, 1), 1)->at, 7, 14);
	assert_string_equal(child(child(n, 1), 1)->text, "text\n");
	free_tree(&tree);
}

static void test_scalars_stay_text(void **state)
{
	static const char text[] =
		"[1:30:00, no, ~, null, 0o17, 1e3, .5, 2026-11-21, a100:2]";
	static const char *const want[] = { "1:30:00", "no",         "~",
					    "null",    "0o17",       "1e3",
					    ".5",      "2026-11-21", "a100:2" };
	uc_auto(buf) struct uc_buf file = { 0 };
	struct tree tree;

	(void)state;
	uc_buf_addf(&file, "k: %s\n", text);
	read_tree(&tree, uc_buf_text(&file), file.len);
	for (size_t i = 0; i < ARRAY_SIZE(want); i++)
		assert_string_equal(child(child(tree.root, 0), i)->text, want[i]);
	free_tree(&tree);
}

/* Read `len` bytes; they must give exactly one line. */
static void check_one_fault(const char *bytes, size_t len, const char *line)
{
	struct tree tree;

	read_tree(&tree, bytes, len);
	assert_string_equal(uc_buf_text(&tree.said), line);
	free_tree(&tree);
}

static void test_a_file_of_the_largest_size_is_read(void **state)
{
	char *bytes = malloc(UC_YAML_BYTES + 1);
	struct tree tree;

	(void)state;
	assert_non_null(bytes);
	memset(bytes, '#', UC_YAML_BYTES + 1);
	for (size_t i = 99; i < UC_YAML_BYTES; i += 100)
		bytes[i] = '\n';
	read_tree(&tree, bytes, UC_YAML_BYTES);
	assert_string_equal(uc_buf_text(&tree.said), "");
	assert_non_null(tree.root);
	free_tree(&tree);
	/* 262144 = 2621 lines of 100 and 44 */
	check_one_fault(bytes, UC_YAML_BYTES + 1,
			"f:2622:45: the file is larger than 256 KiB\n");
	free(bytes);
}

static void test_the_number_of_values_is_limited(void **state)
{
	uc_auto(buf) struct uc_buf file = { 0 };
	struct tree tree;

	(void)state;
	/* the map, the list under "k", and the rest */
	uc_buf_add(&file, "k:\n");
	for (int i = 0; i < UC_YAML_NODES - 2; i++)
		uc_buf_add(&file, "- x\n");
	read_tree(&tree, uc_buf_text(&file), file.len);
	assert_string_equal(uc_buf_text(&tree.said), "");
	free_tree(&tree);
	uc_buf_add(&file, "- x\n");
	check_one_fault(uc_buf_text(&file), file.len,
			"f:4096:3: more than 4096 values in one file\n");
}

static void test_the_length_of_a_text_is_limited(void **state)
{
	uc_auto(buf) struct uc_buf file = { 0 };
	struct tree tree;

	(void)state;
	uc_buf_add(&file, "k:\n  ");
	for (size_t i = 0; i < UC_YAML_SCALAR; i++)
		uc_buf_addc(&file, 'x');
	read_tree(&tree, uc_buf_text(&file), file.len);
	assert_string_equal(uc_buf_text(&tree.said), "");
	assert_int_equal(strlen(tree.root->first->text), UC_YAML_SCALAR);
	free_tree(&tree);
	uc_buf_addc(&file, 'x');
	check_one_fault(uc_buf_text(&file), file.len,
			"f:2:3: a text of 65537 bytes, at most 65536 are taken\n");
}

static void test_the_depth_is_limited_without_cost(void **state)
{
	char *bytes = malloc(100000);
	struct tree tree;

	(void)state;
	assert_non_null(bytes);
	memset(bytes, '[', 100000);
	check_one_fault(bytes, 100000, "f:1:17: nested deeper than 16 levels\n");
	free(bytes);
	read_tree(&tree, "k: [[[[[[[[[[[[[[[x]]]]]]]]]]]]]]]", 34);
	assert_string_equal(uc_buf_text(&tree.said), "");
	free_tree(&tree);
}

static void test_every_control_byte_is_refused_at_its_place(void **state)
{
	(void)state;
	for (int c = 0; c < 0x20; c++) {
		char bytes[] = "a: b\n# \xc3\xa4?!\n", line[80];

		if (c == '\t' || c == '\n')
			continue;
		bytes[9] = (char)c;
		snprintf(line, sizeof(line),
			 "f:2:4: control character U+%04X in the file\n", (unsigned)c);
		check_one_fault(bytes, sizeof(bytes) - 1, line);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_node_knows_its_place),
		cmocka_unit_test(test_scalars_stay_text),
		cmocka_unit_test(test_a_file_of_the_largest_size_is_read),
		cmocka_unit_test(test_the_number_of_values_is_limited),
		cmocka_unit_test(test_the_length_of_a_text_is_limited),
		cmocka_unit_test(test_the_depth_is_limited_without_cost),
		cmocka_unit_test(test_every_control_byte_is_refused_at_its_place),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
