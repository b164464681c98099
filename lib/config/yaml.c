/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
/*
 * libyaml's events into a tree. The event interface, because its document interface has
 * neither a depth limit nor duplicate keys' places (100 kB of "[" took 14 s, 0.2.5).
 */
#include "config/yaml.h"

#include <string.h>
#include <yaml.h>

/* What "!!" stands for. */
#define CORE_TAG "tag:yaml.org,2002:"

struct builder {
	struct uc_arena *arena;
	const char *path;
	struct uc_errors *faults;
	size_t fault_count;

	struct uc_node *root;
	struct {
		struct uc_node *node;  /* the container */
		struct uc_node **tail; /* where its next child goes */
		struct uc_node *entry; /* map: the key that waits for its value */
	} open[UC_YAML_DEPTH];
	size_t depth, nodes, documents;
};

static struct uc_place place_of(const yaml_mark_t *mark)
{
	return (struct uc_place){ (int)mark->line + 1, (int)mark->column + 1 };
}

/* Report; returns -1 so that a caller can stop with it. */
static int fault(struct builder *b, struct uc_place at, struct uc_error *err)
{
	uc_at(err, b->path, at.line, at.column);
	uc_errors_add(b->faults, err);
	b->fault_count++;
	return -1;
}

static struct uc_node *new_node(struct builder *b, struct uc_place at)
{
	struct uc_error err = { 0 };
	struct uc_node *node;

	if (++b->nodes > UC_YAML_NODES) {
		uc_fail(&err, UC_USAGE, "more than %d values in one file", UC_YAML_NODES);
		fault(b, at, &err);
		return NULL;
	}
	node = uc_arena_alloc(b->arena, sizeof(*node));
	if (node)
		node->at = at;
	return node;
}

/* The node that takes the value which starts here; NULL: stop. */
static struct uc_node *value_node(struct builder *b, struct uc_place at)
{
	struct uc_error err = { 0 };
	struct uc_node *node;

	if (b->depth && b->open[b->depth - 1].node->kind == UC_NODE_MAP) {
		node = b->open[b->depth - 1].entry;
		b->open[b->depth - 1].entry = NULL;
		if (!node) {
			uc_fail(&err, UC_USAGE, "a key must be a plain text");
			fault(b, at, &err);
			return NULL;
		}
		node->at = at;
		return node;
	}
	node = new_node(b, at);
	if (!node)
		return NULL;
	if (b->depth) {
		*b->open[b->depth - 1].tail = node;
		b->open[b->depth - 1].tail = &node->next;
	} else {
		b->root = node;
	}
	return node;
}

/* Anchors and tags: reported, then the value is read as if they were not there. */
static void check_properties(struct builder *b, const yaml_event_t *ev,
			     const char *anchor, const char *tag)
{
	struct uc_error err = { 0 };

	if (anchor) {
		uc_fail(&err, UC_USAGE, "anchors ('&%.40s') are not supported", anchor);
		uc_hint(&err, "share settings with profiles and 'inherit'");
	} else if (tag) {
		const char *core =
			strncmp(tag, CORE_TAG, strlen(CORE_TAG)) == 0 ? "!!" : "";

		uc_fail(&err, UC_USAGE, "tags ('%s%.40s') are not supported", core,
			*core ? tag + strlen(CORE_TAG) : tag);
		uc_hint(&err, "write the value alone");
	} else {
		return;
	}
	fault(b, place_of(&ev->start_mark), &err);
}

static int on_alias(struct builder *b, const yaml_event_t *ev)
{
	struct uc_place at = place_of(&ev->start_mark);
	struct uc_node *node = value_node(b, at);
	struct uc_error err = { 0 };

	if (!node)
		return -1;
	if (!node->skip) {
		uc_fail(&err, UC_USAGE, "aliases ('*%.40s') are not supported",
			(const char *)ev->data.alias.anchor);
		uc_hint(&err, "share settings with profiles and 'inherit'");
		fault(b, at, &err);
	}
	node->skip = true;
	return 0;
}

/* Escapes in double quotes ("\0", "\e") make bytes that the file itself may not hold. */
static bool has_control(const unsigned char *text, size_t len, unsigned *which)
{
	for (size_t i = 0; i < len; i++) {
		*which = text[i];
		if ((text[i] < 0x20 && text[i] != '\n' && text[i] != '\t') ||
		    text[i] == 0x7f)
			return true;
		if (text[i] == 0xc2 && i + 1 < len && text[i + 1] < 0xa0) {
			*which = text[i + 1];
			return true;
		}
	}
	return false;
}

/* Is the scalar fit to be kept? Reports when not. */
static bool scalar_fits(struct builder *b, const yaml_event_t *ev)
{
	struct uc_error err = { 0 };
	unsigned which;

	if (ev->data.scalar.length > UC_YAML_SCALAR)
		uc_fail(&err, UC_USAGE, "a text of %zu bytes, at most %zu are taken",
			ev->data.scalar.length, UC_YAML_SCALAR);
	else if (has_control(ev->data.scalar.value, ev->data.scalar.length, &which))
		uc_fail(&err, UC_USAGE, "the text holds the control character U+%04X",
			which);
	else
		return true;
	fault(b, place_of(&ev->start_mark), &err);
	return false;
}

static const struct uc_node *find_entry(const struct uc_node *map, const char *key)
{
	for (const struct uc_node *n = map->first; n; n = n->next)
		if (n->key && strcmp(n->key, key) == 0)
			return n;
	return NULL;
}

static int on_key(struct builder *b, const yaml_event_t *ev)
{
	struct uc_place at = place_of(&ev->start_mark);
	const char *key = (const char *)ev->data.scalar.value;
	size_t top = b->depth - 1;
	struct uc_error err = { 0 };
	const struct uc_node *twin;
	struct uc_node *entry;

	if (!scalar_fits(b, ev))
		return -1;
	entry = new_node(b, at);
	if (!entry)
		return -1;
	entry->key = uc_arena_strdup(b->arena, key);
	entry->key_at = at;
	twin = find_entry(b->open[top].node, key);
	if (strcmp(key, "<<") == 0) {
		uc_fail(&err, UC_USAGE, "merge keys ('<<') are not supported");
		uc_hint(&err, "share settings with profiles and 'inherit'");
	} else if (twin) {
		uc_fail(&err, UC_USAGE, "key '%.60s' again, first on line %d", key,
			twin->key_at.line);
	}
	if (err.code != UC_OK) {
		fault(b, at, &err);
		entry->skip = true;
	}
	*b->open[top].tail = entry;
	b->open[top].tail = &entry->next;
	b->open[top].entry = entry;
	return entry->key ? 0 : -1;
}

static int on_scalar(struct builder *b, const yaml_event_t *ev)
{
	struct uc_node *node;

	check_properties(b, ev, (const char *)ev->data.scalar.anchor,
			 (const char *)ev->data.scalar.tag);
	if (b->depth && b->open[b->depth - 1].node->kind == UC_NODE_MAP &&
	    !b->open[b->depth - 1].entry)
		return on_key(b, ev);
	node = value_node(b, place_of(&ev->start_mark));
	if (!node)
		return -1;
	node->kind = UC_NODE_TEXT;
	node->quoted = ev->data.scalar.style != YAML_PLAIN_SCALAR_STYLE;
	node->skip |= !scalar_fits(b, ev);
	node->text = uc_arena_strndup(b->arena, (const char *)ev->data.scalar.value,
				      node->skip ? 0 : ev->data.scalar.length);
	return node->text ? 0 : -1;
}

static int on_open(struct builder *b, const yaml_event_t *ev, enum uc_node_kind kind)
{
	struct uc_place at = place_of(&ev->start_mark);
	struct uc_error err = { 0 };
	struct uc_node *node;

	if (b->depth == UC_YAML_DEPTH) {
		uc_fail(&err, UC_USAGE, "nested deeper than %d levels", UC_YAML_DEPTH);
		return fault(b, at, &err);
	}
	node = value_node(b, at);
	if (!node)
		return -1;
	node->kind = kind;
	b->open[b->depth].node = node;
	b->open[b->depth].tail = &node->first;
	b->open[b->depth].entry = NULL;
	b->depth++;
	return 0;
}

static int on_event(struct builder *b, const yaml_event_t *ev)
{
	struct uc_error err = { 0 };

	switch (ev->type) {
	case YAML_DOCUMENT_START_EVENT:
		if (b->documents++ == 0)
			return 0;
		uc_fail(&err, UC_USAGE, "a second document ('---') in one file");
		return fault(b, place_of(&ev->start_mark), &err);
	case YAML_ALIAS_EVENT:
		return on_alias(b, ev);
	case YAML_SCALAR_EVENT:
		return on_scalar(b, ev);
	case YAML_SEQUENCE_START_EVENT:
		check_properties(b, ev, (const char *)ev->data.sequence_start.anchor,
				 (const char *)ev->data.sequence_start.tag);
		return on_open(b, ev, UC_NODE_LIST);
	case YAML_MAPPING_START_EVENT:
		check_properties(b, ev, (const char *)ev->data.mapping_start.anchor,
				 (const char *)ev->data.mapping_start.tag);
		return on_open(b, ev, UC_NODE_MAP);
	case YAML_SEQUENCE_END_EVENT:
	case YAML_MAPPING_END_EVENT:
		b->depth--;
		return 0;
	default:
		return 0;
	}
}

/* How libyaml's words begin that do not say what to do, and ours. */
static const struct {
	const char *problem, *text, *hint;
	bool at_context; /* the place of the mistake is where the thing began */
} words[] = {
	{ "mapping values are not allowed in this context",
	  "a ':' that belongs to no key",
	  "check the indentation, or put the text into quotes", false },
	{ "could not find expected ':'", "expected 'key: value'",
	  "put a ':' behind the key", true },
	{ "did not find expected key", "expected a key here", "check the indentation",
	  false },
	{ "did not find expected '-' indicator", "expected '- item' here",
	  "check the indentation", false },
	{ "did not find expected ',' or ']'", "expected ',' or ']'", NULL, false },
	{ "did not find expected ',' or '}'", "expected ',' or '}'", NULL, false },
	{ "found unexpected end of stream", "a quoted text that is never closed", NULL,
	  true },
	{ "block sequence entries are not allowed in this context",
	  "a '- item' that belongs to no list", "put the list on the lines below its key",
	  false },
	{ "did not find expected <document start>", "expected the end of the file here",
	  "check the indentation", false },
	{ "found incompatible YAML document", "only YAML 1.1 and 1.2 are read",
	  "leave the '%YAML' line away", false },
	{ "did not find expected hex", "an unknown escape in double quotes",
	  "use single quotes for a text with '\\'", false },
	{ "found unknown escape character", "an unknown escape in double quotes",
	  "use single quotes for a text with '\\'", false },
	{ "did not find expected node content", "expected a value here", NULL, false },
};

static void explain_character(char c, struct uc_error *err)
{
	if (c == '\t') {
		uc_fail(err, UC_USAGE, "a tab cannot indent");
		uc_hint(err, "indent with blanks");
	} else {
		uc_fail(err, UC_USAGE, "a text cannot start with '%c'", c);
		uc_hint(err, "put the text into quotes");
	}
}

static void syntax_fault(struct builder *b, const yaml_parser_t *p, const char *bytes,
			 size_t len)
{
	struct uc_place at = place_of(&p->problem_mark);
	const char *problem = p->problem ? p->problem : "not valid YAML";
	struct uc_error err = { 0 };
	size_t i;

	if (p->error == YAML_MEMORY_ERROR) {
		uc_fail(&err, UC_FAILED, "out of memory");
		fault(b, (struct uc_place){ 1, 1 }, &err);
		return;
	}
	for (i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (strncmp(problem, words[i].problem, strlen(words[i].problem)) == 0)
			break;
	if (p->error == YAML_READER_ERROR) {
		at = uc_bytes_place(bytes, len, p->problem_offset);
		uc_fail(&err, UC_USAGE, "%s", problem);
	} else if (strcmp(problem, "found character that cannot start any token") == 0 &&
		   p->mark.index < len) {
		explain_character(*(const char *)p->buffer.pointer, &err);
	} else if (i < sizeof(words) / sizeof(words[0])) {
		if (words[i].at_context && p->context)
			at = place_of(&p->context_mark);
		uc_fail(&err, UC_USAGE, "%s", words[i].text);
		if (words[i].hint)
			uc_hint(&err, "%s", words[i].hint);
		else if (p->context && !words[i].at_context &&
			 p->context_mark.line != p->problem_mark.line)
			uc_hint(&err, "it began on line %zu", p->context_mark.line + 1);
	} else {
		uc_fail(&err, UC_USAGE, "%s", problem);
	}
	fault(b, at, &err);
}

/* Feed all events; false when the text is no YAML or a limit stopped it. */
static bool build(struct builder *b, const char *bytes, size_t len)
{
	yaml_parser_t parser;
	yaml_event_t ev;
	bool done = false, ok = true;
	struct uc_error err = { 0 };

	if (!yaml_parser_initialize(&parser)) {
		uc_fail(&err, UC_FAILED, "out of memory");
		fault(b, (struct uc_place){ 1, 1 }, &err);
		return false;
	}
	yaml_parser_set_input_string(&parser, (const unsigned char *)bytes, len);
	yaml_parser_set_encoding(&parser, YAML_UTF8_ENCODING);
	while (ok && !done) {
		if (!yaml_parser_parse(&parser, &ev)) {
			syntax_fault(b, &parser, bytes, len);
			ok = false;
			break;
		}
		done = ev.type == YAML_STREAM_END_EVENT;
		ok = on_event(b, &ev) == 0;
		yaml_event_delete(&ev);
	}
	yaml_parser_delete(&parser);
	return ok;
}

static int check_bytes(struct builder *b, const char *bytes, size_t len)
{
	struct uc_error err = { 0 };
	struct uc_place at;

	if (len > UC_YAML_BYTES) {
		uc_fail(&err, UC_USAGE, "the file is larger than %zu KiB",
			UC_YAML_BYTES / 1024);
		return fault(b, uc_bytes_place(bytes, len, UC_YAML_BYTES), &err);
	}
	if (uc_bytes_check(bytes, len, &at, &err) < 0)
		return fault(b, at, &err);
	return 0;
}

size_t uc_yaml_read(struct uc_arena *arena, const struct uc_yaml_file *file,
		    struct uc_node **root, struct uc_errors *faults)
{
	struct builder b = { .arena = arena, .path = file->path, .faults = faults };
	const char *bytes = file->bytes;
	size_t len = file->len;
	struct uc_error err = { 0 };

	*root = NULL;
	/* A byte order mark is common in files from Windows; it takes no column. */
	if (len >= 3 && memcmp(bytes, "\xef\xbb\xbf", 3) == 0) {
		bytes += 3;
		len -= 3;
	}
	if (check_bytes(&b, bytes, len) < 0 || !build(&b, bytes, len))
		return b.fault_count;
	if (b.root && b.root->skip)
		return b.fault_count;
	if (!b.root || (b.root->kind == UC_NODE_TEXT && !b.root->quoted &&
			b.root->text[0] == '\0')) {
		b.root = uc_arena_alloc(arena, sizeof(*b.root));
		if (b.root)
			*b.root = (struct uc_node){ .kind = UC_NODE_MAP, .at = { 1, 1 } };
	} else if (b.root->kind != UC_NODE_MAP) {
		uc_fail(&err, UC_USAGE, "expected 'key: value' lines, not a %s",
			b.root->kind == UC_NODE_LIST ? "list" : "text");
		fault(&b, b.root->at, &err);
		b.root = NULL;
	}
	*root = b.root;
	return b.fault_count;
}
