#!/bin/bash
# SCP81 sessions open at once (RSP_N, default 10,000), the cards in another process (sessions_peer.c): memory of the SM-SR per
# session, and how long a new session takes from connect() to its script when 50 a second come while all are open.
# Exit 0 only when all sessions ended as they should and both limits hold.
# SPDX-License-Identifier: AGPL-3.0-or-later
set -u
TOP=$(cd "$(dirname "$0")/.." && pwd)
N=${RSP_N:-10000} NEW=${RSP_NEW:-1000} RATE=50
PEER=$RSP_BIN/bench/bench_sessions_peer
umask 077
D=$(mktemp -d "${TMPDIR:-/tmp}/osmo-rsp-sessions.XXXXXX") || exit 1
LOGLEVEL=${LOGLEVEL:-notice}
. "$TOP/contrib/stack.sh"
cleanup() { stack_stop; [ -n "${KEEP:-}" ] && echo "kept: $D" || rm -rf "$D"; }
trap cleanup EXIT
die() { echo "sessions: $*"; tail -5 "$D"/*.log "$D"/peer.err 2>/dev/null; exit 1; }

[ -x "$PEER" ] || die "no $PEER"
ulimit -n "$(ulimit -Hn)"
[ "$(ulimit -n)" -gt $((N + NEW + 200)) ] || { echo "SKIPPED: $(ulimit -n) descriptors are too few for $N sessions"; exit 77; }
"$PROFILE" build "$TOP/contrib/demo-profile.txt" -o "$D/p.der" >/dev/null || die "profile"
stack_ports
stack_pki $((N + NEW)) "$D/p.der" >/dev/null 2>&1 && stack_configs &&
	"$SMSR" -c "$D/smsr.cfg" --import-key eum $OID_EUM "$D/ca/eum.transport.key" >"$D/smsr.log" 2>&1 || die "preparation"
printf 'timer procedure X3 900\n' >> "$D/smsr.cfg"	# the cards take their time on purpose
start smsr && wait_port "$P_SMSR_ES" smsr || die "start"
find "$D/batch/eis" -name '*.xml' -print0 | xargs -0 -n 2000 "$ES" -c "$D/eum.conf" -q ES1-RegisterEIS 2>/dev/null || die "RegisterEIS"
rss() { awk '/VmRSS/ { print $2 * 1024 }' "/proc/${PID[smsr]}/status"; }
m0=$(rss)
mkfifo "$D/in" "$D/out"
"$PEER" "$D/batch/cards.jsonl" "$P_SCP81" "$N" "$NEW" $RATE < "$D/in" > "$D/out" 2>"$D/peer.err" &
PID[peer]=$!
exec 7>"$D/in" 8<"$D/out"
await() { # print what the peer says up to this line
	local line
	while read -r -t 300 line <&8; do
		[ "$line" = "$1" ] && return
		echo "$line"
	done
	return 1
}
await open || die "the sessions cannot be opened"
m1=$(rss)
vty "$P_SMSR_VTY" "show scp81"
awk -v a="$m0" -v b="$m1" -v n="$N" 'BEGIN { m = (b - a) / n / 1024
	printf "sessions_memory: %.1f kB/session limit 24 ratio %.2f\n", m, m / 24; exit m > 24 }'; mem=$?
echo >&7
await new > "$D/new" || die "new sessions"
cat "$D/new"
p99=$(awk '/_p99/ { print ($2 > 50) }' "$D/new")
echo >&7
await end
wait "${PID[peer]}"; rc=$?
unset "PID[peer]"
((rc == 0)) || die "not all sessions ended well"
((mem == 0 && p99 == 0)) || die "a limit does not hold"
