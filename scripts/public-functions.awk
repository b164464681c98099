# SPDX-License-Identifier: GPL-2.0-or-later
# The functions that public headers declare, one a line: NAME PATH:LINE yes|no (is there a
# comment above it or above the group it stands in?). With -v map=NODE the version script
# for the linker instead, with -v mdoc=1 a section of a manual page for each header: what its
# first comment says, and its functions with theirs.
#
#	awk -f scripts/public-functions.awk include/ucluster/*.h

# The line without comments; says through `comment` whether one was there.
function code(line,    out, at)
{
	out = ""
	while (line != "") {
		if (inside) {
			comment = 1
			at = index(line, "*/")
			if (mdoc)
				say(at ? substr(line, 1, at - 1) : line)
			if (!at)
				return out
			line = substr(line, at + 2)
			inside = 0
			continue
		}
		at = index(line, "/*")
		if (!at)
			return out line
		out = out substr(line, 1, at - 1) " "
		line = substr(line, at + 2)
		inside = 1
		aside = depth == 0 && out ~ /[^ \t]/
		if (mdoc && depth == 0 && !aside) {
			flush()
			said = 0
		}
	}
	return out
}

# A line of a comment.
function say(line)
{
	if (depth > 0 || /SPDX-License-Identifier|Copyright the/)
		return
	sub(/^[ \t]*\*/, "", line)
	sub(/^ /, "", line)
	sub(/[ \t]+$/, "", line)
	if (aside)
		note = note line
	else
		words[said++] = line
}

function printed(line)
{
	gsub(/\\/, "\\e", line)
	sub(/^[.']/, "\\\\\\&&", line)
	print line
}

# What was said: text, and what is indented by a tab as it stands.
function print_words(    i, literal, blank, begun)
{
	for (i = 0; i < said; i++) {
		if (words[i] == "") {
			blank = begun
			continue
		}
		if (literal && words[i] !~ /^\t/) {
			print ".Ed"
			literal = 0
			blank = 1
		}
		if (!literal && words[i] ~ /^\t/) {
			print ".Bd -literal -offset indent"
			literal = 1
		} else if (blank)
			print literal ? "" : ".Pp"
		blank = 0
		begun = 1
		if (literal)
			sub(/^\t/, "", words[i])
		# a sentence begins on a line of its own
		while (!literal && match(words[i], /[.!?]["')]* +/)) {
			printed(substr(words[i], 1, RSTART + RLENGTH - 2))
			words[i] = substr(words[i], RSTART + RLENGTH)
		}
		if (words[i] != "")
			printed(words[i])
	}
	if (literal)
		print ".Ed"
}

# The functions since the last comment, and what it said.
function flush(    i, j, n, head, result, argument)
{
	if (!waiting)
		return
	if (!listed++)
		print ".Bl -tag -width Ds"
	for (i = 0; i < waiting; i++) {
		head = prototypes[i]
		gsub(/[ \t]+/, " ", head)
		sub(/^ *UC_DEFINE_AUTO[A-Z_]*\([^)]*\) */, "", head)
		sub(/ (UC_MUST_CHECK|UC_PRINTF\(.*)$/, "", head)
		match(head, /uc_[a-z0-9_]+\(/)
		print ".It Xo"
		result = substr(head, 1, RSTART - 1)
		gsub(/^ | $/, "", result)
		print ".Ft \"" result "\""
		print ".Fo " substr(head, RSTART, RLENGTH - 1)
		head = substr(head, RSTART + RLENGTH)
		sub(/\) *$/, "", head)
		# commas of pointers to functions are inside of parentheses
		n = split(head, argument, /, /)
		head = ""
		for (j = 1; j <= n; j++) {
			head = head (head == "" ? "" : ", ") argument[j]
			if (gsub(/\(/, "(", head) == gsub(/\)/, ")", head)) {
				print ".Fa \"" head "\""
				head = ""
			}
		}
		print ".Fc"
		print ".Xc"
		if (notes[i] != "")
			printed(notes[i])
	}
	print_words()
	waiting = 0
}

function end_of_header()
{
	flush()
	if (listed)
		print ".El"
	listed = said = 0
}

function statement_ends(    name)
{
	if (depth == 0 && statement !~ /(^|[ \t])(static|typedef)[ \t]/ &&
	    match(statement, /(^|[^A-Za-z0-9_])uc_[a-z0-9_]+\(/)) {
		name = substr(statement, RSTART, RLENGTH - 1)
		sub(/^[^u]/, "", name)
		if (map)
			print "\t" name ";"
		else if (mdoc) {
			notes[waiting] = note
			prototypes[waiting++] = statement
		} else
			print name, FILENAME ":" start, documented ? "yes" : "no"
	}
	statement = ""
}

BEGIN {
	if (map)
		print map " {\nglobal:"
}

FNR == 1 {
	if (mdoc) {
		end_of_header()
		header = FILENAME
		sub(/.*include\//, "", header)
		print ".Ss In " header
		introduced = 0
	}
	statement = ""
	depth = inside = documented = skip = 0
}

{
	comment = 0
	note = ""
	text = code($0)
}

comment { documented = 1 }
!comment && $0 ~ /^[ \t]*$/ {
	documented = 0
	if (mdoc) {
		flush()
		said = 0
	}
}
mdoc && !introduced && !comment && said {
	print_words()
	introduced = 1
	said = 0
}
text ~ /^[ \t]*#/ || continued {
	continued = text ~ /\\[ \t]*$/
	if (text ~ /^[ \t]*#[ \t]*ifdef[ \t]+__cplusplus/)
		skip = 1
	else if (text ~ /^[ \t]*#[ \t]*endif/)
		skip = 0
	next
}
skip { next }

{
	count = length(text)
	for (i = 1; i <= count; i++) {
		c = substr(text, i, 1)
		if (c == "{")
			depth++
		else if (c == "}") {
			if (--depth == 0 && statement ~ /\)[^;]*$/)
				statement = ""
		} else if (c == ";" && depth == 0)
			statement_ends()
		else if (depth == 0) {
			if (statement == "" && c ~ /[^ \t]/)
				start = FNR
			if (statement != "" || c ~ /[^ \t]/)
				statement = statement c
		}
	}
	if (statement != "")
		statement = statement " "
}

END {
	if (mdoc)
		end_of_header()
	if (map)
		print "local:\n\t*;\n};"
}
