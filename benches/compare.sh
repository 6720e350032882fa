#!/usr/bin/env bash
# Whole processes against each other: what a person waits for, start and loading of rules included.
#
#   benches/compare.sh DATA RULES [ROUNDS]
#
# DATA is a log with one record a line (a file of the audit log as AKS exports it, or plain events),
# RULES a directory of Sigma rules. The commands take turns, so that a change of the machine's mood hits
# all of them; medians are told, in seconds of CPU. `midwatch` is the release build unless $MIDWATCH
# names another. rsigma takes part when it is installed (`cargo install rsigma --version 0.23.0 --locked`),
# and then the matches of both, by audit id and rule, have to be the same.
# With $DUCK, a Python that has duckdb and pyyaml, DuckDB takes part on one thread; it can only run rules
# without paths through arrays, and has to count as many matches for each rule.
set -euo pipefail

data=${1:?the log to read} rules=${2:?the directory of rules} rounds=${3:-5}
midwatch=${MIDWATCH:-target/release/midwatch}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export LC_ALL=C

head -c 4096 "$data" | head -1 | grep -q '"properties"' && form=azure || form=plain

ours() { "$midwatch" scan --rules "$rules" --no-shipped-rules --no-progress -o ndjson "$data" >"$work/ours" 2>"$work/ours.err"; }
words() { grep -ciE 'xmrig|/exec|cluster-admin|hostpath' "$data" >"$work/words"; }
lines() { wc -l "$data" >"$work/lines"; }
peer() {
  local unwrap=()
  [ "$form" = plain ] || unwrap=(--jq '.properties.log | fromjson')
  rsigma engine eval -r "$rules" -e "@$data" --input-format json "${unwrap[@]}" "$@" >"$work/peer" 2>"$work/peer.err"
}

duck() { "$DUCK" "$(dirname "$0")/duck.py" "$rules" "$data" 1 >"$work/duck"; }

commands=(ours words lines)
[ -z "${DUCK:-}" ] || commands+=(duck)
command -v rsigma >/dev/null && commands+=(peer)

# One run: seconds of user and of system on a line of the command's own file.
TIMEFORMAT='%3U %3S'
measure() { { time "$1" 2>&3; } 3>&2 2>>"$work/$1.times"; }

for _ in $(seq "$rounds"); do
  for command in "${commands[@]}"; do measure "$command"; done
done

median() { sort -n | awk '{v[NR]=$1} END {print v[int((NR+1)/2)]}'; }
user() { awk '{print $1}' "$work/$1.times" | median; }
cpu() { awk '{print $1+$2}' "$work/$1.times" | median; }

printf '%-28s %10s %14s %12s\n' "$form, $(ls "$rules" | wc -l) rule files" 'user s' 'user+system s' 'of ours'
for command in "${commands[@]}"; do
  printf '%-28s %10s %14s %12s\n' "$command" "$(user "$command")" "$(cpu "$command")" \
    "$(echo "$(cpu "$command") $(cpu ours)" | awk '{printf "%.2f", $1/$2}')"
done
printf 'matches of ours: %s\n' "$(wc -l <"$work/ours")"
if [ -x /usr/bin/time ]; then
  /usr/bin/time -f 'peak memory of ours: %M KB' "$midwatch" scan --rules "$rules" --no-shipped-rules \
    --no-progress -o ndjson "$data" 2>&1 >/dev/null | tail -1
fi
if command -v rsigma >/dev/null; then
  # Rule and audit id of each match: the id is the only name of a line that both tell. The timed runs do
  # not print the peer's events, so the peer runs once more for them.
  pairs() { sed -E "s/^.*$1\"([^\"]+)\".*$2\"([^\"]+)\".*\$/\\1 \\2/" | sort; }
  pairs '"rule":\{"id":' '"events":\[\{"audit_id":' <"$work/ours" >"$work/ours.pairs"
  peer --include-event
  grep . "$work/peer" | pairs '"rule_id":' '"auditID":' >"$work/peer.pairs"
  printf 'matches of rsigma: %s\n' "$(wc -l <"$work/peer.pairs")"
  if grep -vqE '^[^ {]+ [^ {]+$' "$work/ours.pairs" "$work/peer.pairs"; then
    echo 'a match has no rule id or no audit id' >&2
    exit 1
  fi
  if ! diff "$work/ours.pairs" "$work/peer.pairs" >"$work/differences"; then
    echo 'the matches differ (< ours, > rsigma):' >&2
    head -20 "$work/differences" >&2
    exit 1
  fi
fi
if [ -n "${DUCK:-}" ]; then
  sed -E 's/^.*"rule":\{"id":"([^"]+)".*$/\1/' "$work/ours" | sort | uniq -c | awk '{print $2 "\t" $1}' >"$work/ours.counts"
  awk '$2 > 0' "$work/duck" | sort | diff "$work/ours.counts" - || { echo 'the counts differ (> DuckDB)' >&2; exit 1; }
  printf 'matches of DuckDB: %s\n' "$(awk '{n += $2} END {print n}' "$work/duck")"
fi
