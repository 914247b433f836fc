# Functions shared by test/bench/*.sh: series of measured values, and the table
# of what they come to.  To be sourced after test/setup.sh, by a script that
# sets JSON to the file for the figures.
# shellcheck shell=bash
# shellcheck disable=SC2154 # work is of test/setup.sh

# Measured values by name, one per round, separated by blanks
declare -A values
# Rows of the result, tab separated: name, ratio, relation, target, verdict, detail
results=()

# ---------- figures ----------

# Add a value to a series.
note()
{
	values[$1]="${values[$1]:-}${values[$1]:+ }$2"
}

# Evaluate an arithmetic expression.
calc()
{
	awk "BEGIN { printf \"%.6g\", ($1) }"
}

# The median of the arguments
median()
{
	printf '%s\n' "$@" | sort -g |
		awk '{ v[NR] = $1 } END { printf "%.6g", (v[int((NR + 1) / 2)] + v[int(NR / 2) + 1]) / 2 }'
}

# The median of a series
median_of()
{
	# shellcheck disable=SC2086 # one word per value
	median ${values[$1]}
}

# The median of the quotients of two series, round by round
ratio_of()
{
	local -a above below quotients=()
	local i

	read -ra above <<<"${values[$1]}"
	read -ra below <<<"${values[$2]}"
	for i in "${!above[@]}"; do
		quotients+=("$(calc "${below[i]} == 0 ? 0 : ${above[i]} / ${below[i]}")")
	done
	median "${quotients[@]}"
}

# Add a row to the result: name, figure, ">=" or "<=", target, detail.
result()
{
	local verdict=SHORT

	if awk "BEGIN { exit !($2 $3 $4) }"; then
		verdict=ok
	fi
	results+=("$1"$'\t'"$2"$'\t'"$3"$'\t'"$4"$'\t'"$verdict"$'\t'"$5")
}

# Add a row that has no target: name, figure, detail.
remark()
{
	results+=("$1"$'\t'"$2"$'\t\t\t\t'"$3")
}

# Add a row for something that could not be measured: name, why.
skipped()
{
	results+=("$1"$'\t\t\t\t'"skip"$'\t'"$2")
	echo "skipped: $1: $2"
}

# Median of a series for people
shown()
{
	printf '%.0f' "$(median_of "$1")"
}

# ---------- measuring ----------

# A value of the database
value()
{
	psql --no-align --tuples-only -c "$1"
}

# Index entries that all finished sessions have read of interact_affinity.
# Ends with the session that asks, so that the next one sees newer numbers.
entries()
{
	value "SELECT sum(idx_tup_read) FROM pg_stat_user_indexes
	        WHERE indexrelname IN ('interact_affinity_user', 'interact_affinity_item')"
}

# Run commands one after the other, from first to last in odd rounds and back in
# even ones.  $1: round, others: commands.
in_turn()
{
	local round=$1 i
	shift

	if [ $((round % 2)) -eq 1 ]; then
		for ((i = 1; i <= $#; i++)); do
			eval "${!i}"
		done
	else
		for ((i = $#; i >= 1; i--)); do
			eval "${!i}"
		done
	fi
	echo
}

# ---------- report ----------

# Write the facts about machine and server to $work/facts, tab separated, and
# show them.  Arguments: more of them, name and value in turn.
facts()
{
	say "Machine and settings"
	{
		printf 'PostgreSQL\t%s\n' "$(value "SELECT current_setting('server_version')")"
		printf 'interact\t%s\n' "$(value "SELECT extversion FROM pg_extension WHERE extname = 'interact'")"
		printf 'cores\t%s\n' "$(nproc)"
		printf 'processor\t%s\n' "$(sed -n 's/^model name[^:]*: //p' /proc/cpuinfo 2>/dev/null | head -n 1)"
		printf 'memory\t%s\n' "$(awk '$1 == "MemTotal:" { printf "%.0f GB", $2 / 1048576 }' /proc/meminfo 2>/dev/null)"
		printf 'kernel\t%s\n' "$(uname -sr)"
		printf 'file system\t%s\n' "$(df --output=fstype "$work" 2>/dev/null | tail -n 1)"
		printf 'load average\t%s\n' "$(cut -d ' ' -f 1-3 /proc/loadavg 2>/dev/null)"
		while [ $# -gt 0 ]; do
			printf '%s\t%s\n' "$1" "$2"
			shift 2
		done
		psql --no-align --tuples-only --field-separator=$'\t' -c "
			SELECT name, current_setting(name) FROM pg_settings
			 WHERE name IN ('fsync', 'synchronous_commit', 'full_page_writes', 'wal_level',
			                'autovacuum', 'work_mem', 'max_connections', 'shared_buffers',
			                'max_wal_size', 'checkpoint_timeout', 'jit', 'effective_cache_size')
			 ORDER BY name"
	} >"$work/facts"
	column -t -s $'\t' "$work/facts" 2>/dev/null || cat "$work/facts"
}

print_results()
{
	local name figure relation target verdict detail row

	say "Result"
	printf '%-66s %9s %9s  %-5s  %s\n' "" figure target "" ""
	for row in "${results[@]}"; do
		# A tab is white space to read, which would merge empty fields.
		IFS=$'\x1f' read -r name figure relation target verdict detail <<<"${row//$'\t'/$'\x1f'}"
		[ -z "$figure" ] || figure=$(printf '%.5g' "$figure")
		printf '%-66s %9s %9s  %-5s  %s\n' "$name" "$figure" "$relation${relation:+ }$target" \
			"$verdict" "$detail"
	done
}

# Escape the argument as a JSON string.
json_string()
{
	local s=${1//\\/\\\\}

	printf '"%s"' "${s//\"/\\\"}"
}

write_json()
{
	local name figure relation target verdict detail row key comma=

	mkdir -p "$(dirname "$JSON")"
	{
		echo '{'
		echo '  "facts": {'
		while IFS=$'\t' read -r key row; do
			printf '%s    %s: %s' "$comma" "$(json_string "$key")" "$(json_string "$row")"
			comma=$',\n'
		done <"$work/facts"
		printf '\n  },\n  "results": [\n'
		comma=
		for row in "${results[@]}"; do
			IFS=$'\x1f' read -r name figure relation target verdict detail <<<"${row//$'\t'/$'\x1f'}"
			printf '%s    {"name": %s, "ratio": %s, "relation": %s, "target": %s, "verdict": %s, "detail": %s}' \
				"$comma" "$(json_string "$name")" "${figure:-null}" "$(json_string "$relation")" \
				"${target:-null}" "$(json_string "$verdict")" "$(json_string "$detail")"
			comma=$',\n'
		done
		printf '\n  ],\n  "values": {\n'
		comma=
		while IFS= read -r key; do
			[ -n "$key" ] || continue
			printf '%s    %s: [%s]' "$comma" "$(json_string "$key")" "${values[$key]// /, }"
			comma=$',\n'
		done < <(printf '%s\n' "${!values[@]}" | sort)
		printf '\n  }\n}\n'
	} >"$JSON"
	echo
	echo "written to $JSON"
}
