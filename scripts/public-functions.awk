# SPDX-License-Identifier: GPL-2.0-or-later
# The functions that public headers declare, one a line: NAME PATH:LINE yes|no (is there a
# comment above it or above the group it stands in?). With -v map=NODE the version script
# for the linker instead.
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
	}
	return out
}

function statement_ends(    name)
{
	if (depth == 0 && statement !~ /(^|[ \t])(static|typedef)[ \t]/ &&
	    match(statement, /(^|[^A-Za-z0-9_])uc_[a-z0-9_]+\(/)) {
		name = substr(statement, RSTART, RLENGTH - 1)
		sub(/^[^u]/, "", name)
		if (map)
			print "\t" name ";"
		else
			print name, FILENAME ":" start, documented ? "yes" : "no"
	}
	statement = ""
}

BEGIN {
	if (map)
		print map " {\nglobal:"
}

FNR == 1 {
	statement = ""
	depth = inside = documented = skip = 0
}

{
	comment = 0
	text = code($0)
}

comment { documented = 1 }
!comment && $0 ~ /^[ \t]*$/ { documented = 0 }
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
	if (map)
		print "local:\n\t*;\n};"
}
