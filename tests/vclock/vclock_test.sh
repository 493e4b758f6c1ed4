#!/bin/bash
# The shared clock: a lone waiter jumps; two sleep together; nothing jumps while one works, is missing or nobody drives.
# SPDX-License-Identifier: AGPL-3.0-or-later
set -u
dir=$(mktemp -d) failed=0
trap 'rm -rf "$dir"' EXIT
export RSP_VCLOCK=$dir/clock

with=(env LD_PRELOAD="$VCLOCK_SO")
check() { # text condition...
	if "${@:2}"; then echo "ok: $1"; else echo "FAILED: $1"; failed=1; fi
}
ms() { echo $(($(date +%s%N) / 1000000)); }

t=$(ms); "${with[@]}" RSP_VCLOCK_DRIVER=1 sleep 1000; t=$(($(ms) - t))
check "1000 s alone take $t ms" test $t -lt 5000
"${with[@]}" date +%s >"$dir/d"
check "a later process sees the same clock" test $(($(cat "$dir/d") - $(date +%s))) -ge 999

t=$(ms)
"${with[@]}" sleep 2000 &
other=$!
"${with[@]}" RSP_VCLOCK_MIN=2 RSP_VCLOCK_DRIVER=1 sleep 400; t=$(($(ms) - t))
kill $other; wait
check "400 s beside a waiting process take $t ms" test $t -lt 5000

t=$(ms); "${with[@]}" sleep 1; t=$(($(ms) - t))
check "no driver: 1 s takes $t ms" test $t -ge 950
t=$(ms); "${with[@]}" RSP_VCLOCK_MIN=2 RSP_VCLOCK_DRIVER=1 sleep 1; t=$(($(ms) - t))
check "one process too few: 1 s takes $t ms" test $t -ge 950

t=$(ms)
timeout 10 "${with[@]}" bash -c 'while :; do :; done' &
busy=$!
"${with[@]}" RSP_VCLOCK_MIN=2 RSP_VCLOCK_DRIVER=1 sleep 1000 &
driver=$!
sleep 0.2; kill -0 $busy 2>/dev/null && kill -0 $driver 2>/dev/null; rc=$?
kill $busy $driver 2>/dev/null
wait
check "nobody jumps while another works" test $rc -eq 0
exit $failed
