#!/bin/bash
# contrib/demo with the project's own profile; and, when shared/data/ts48 is there, with a Milenage M2M package and a v7
# package of GSMA TS.48, unchanged. Without that folder it says so and passes on the first half.
# SPDX-License-Identifier: AGPL-3.0-or-later
set -u
TOP=$(cd "$(dirname "$0")/../.." && pwd)
bad=0
run() { # name, arguments of the demo
	local out name=$1
	shift
	out=$("$TOP/contrib/demo" --quick "$@" 2>&1)
	if [ $? = 0 ] && tail -1 <<<"$out" | grep -qE '^demo: profile [0-9]{18,20} ENABLED on [0-9]{32} in [0-9.]+ s$'; then
		echo "$name: $(tail -1 <<<"$out")"
	else
		echo "$name: FAILED"; tail -60 <<<"$out"; bad=1
	fi
}
run default
for dialect in whty-2016 odd; do	# cards that do otherwise where the specification leaves a choice
	SIM_CARDS=" card dialect $dialect" run "$dialect"
done
ts48=${RSP_SHARED:-$TOP/../shared}/data/ts48
if [ -d "$ts48" ]; then
	run m2m_usim_isim_milenage --profile "$ts48/derived/m2m_usim_isim_milenage.der"
	run TS48v7_SAIP2.3_NoBERTLV --profile "$ts48/v7/TS48v7_SAIP2.3_NoBERTLV.der"
else
	echo "SKIPPED LOUDLY: no $ts48, the GSMA packages were not tried"
fi
exit $bad
