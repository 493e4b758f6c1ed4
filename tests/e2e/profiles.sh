#!/bin/bash
# doc/profiles.md, run as it stands: the blocks marked sh by this shell, those marked vty at osmo-smdp's VTY; ports are
# exchanged for free ones. Then 350 profiles are on stock, and what must be refused is.
# SPDX-License-Identifier: AGPL-3.0-or-later
set -u
TOP=$(cd "$(dirname "$0")/../.." && pwd)
[ -n "${RSP_BIN:-}" ] || { echo "SKIPPED: RSP_BIN is not set"; exit 77; }
command -v curl >/dev/null || { echo "SKIPPED: no curl"; exit 77; }
D=$(mktemp -d "${TMPDIR:-/tmp}/osmo-rsp-profiles.XXXXXX") || exit 1
. "$TOP/contrib/stack.sh"
trap 'kill $(jobs -p) 2>/dev/null; wait 2>/dev/null; rm -rf "$D"' EXIT
bad=0
check() { local what=$1; shift; if "$@"; then echo "ok: $what"; else echo "NOT OK: $what"; bad=1; fi; }
CONTRIB=$TOP/contrib
PATH=$RSP_BIN/src/tools:$RSP_BIN/src/smdp:$PATH
port P_VTY; port P_ES; port P_JSON; port P_CTRL
cd "$D" || exit 1

n=0 kind='' block=''
run_block() {
	local line
	n=$((n + 1))
	block=${block//4282/$P_VTY --ctrl-port $P_CTRL}; block=${block//8454/$P_ES}; block=${block//8456/$P_JSON}
	if [ "$kind" = sh ]; then
		eval "$block" >"out.$n" 2>"err.$n"
		check "block $n: $(head -1 <<<"$block")" [ $? = 0 ]
		[[ $block == *osmo-smdp*'&'* ]] && for ((i = 0; i < 100; i++)); do port_free "$P_VTY" || break; sleep 0.1; done
	else
		while IFS= read -r line; do
			[ -n "$line" ] || continue
			line=${line//\$PWD/$D}
			vty "$P_VTY" "$line" > "out.$n"
			check "block $n: $line" eval '! grep -qE "^%|Unknown" "out.$n"'
			[[ $line == batch* ]] && for ((i = 0; i < 100; i++)); do
				vty "$P_VTY" "show batches" | grep -qE ': (done|refused)' && break; sleep 0.1; done
		done <<<"$block"
	fi
}
while IFS= read -r line; do
	case $line in
	'```sh' | '```vty') kind=${line#'```'} block='' ;;
	'```') [ -n "$kind" ] && run_block; kind='' ;;
	*) [ -n "$kind" ] && block+=$line$'\n' ;;
	esac
done < "$TOP/doc/profiles.md"
check "the chapter has its blocks" [ $n -ge 8 ]
check "350 on stock" eval "vty $P_VTY 'show stock' | grep -q 'meter of 1.3.6.1.4.1.49999.11: 350 personalised'"

url=https://127.0.0.1:$P_JSON
json() { python3 -c "import json,sys; d=json.load(sys.stdin); print($1)" 2>/dev/null; }
for ((i = 0; i < 100; i++)); do ask $url/v1/batches/2 | grep -q refused && break; sleep 0.1; done
check "over HTTP too" [ "$(ask $url/v1/stock/summary | json 'd["types"]["meter"]["personalised"]')" = 350 ]
check "the bad batch says where" [ "$(ask $url/v1/batches/2 | json 'd["state"], d["messages"][0]')" = \
	"refused line 2, column 1 (iccid): wrong check digit" ]
check "pages of profiles" eval '[ "$(ask "$url/v1/stock?limit=340" | json "len(d[\"profiles\"])")" = 340 ]'
next=$(ask "$url/v1/stock?limit=340" | json 'd["next"]')
check "and the rest" [ "$(ask "$url/v1/stock?limit=340&after=$next" | json '(len(d["profiles"]), d["next"])')" = "(10, None)" ]
check "one profile" [ "$(ask $url/v1/stock/$next | json 'd["state"]')" = personalised ]
check "no key in it" eval '! ask $url/v1/stock/$next | grep -qiE "\"(k|opc|op|pin1)\""'
code() { ask -o /dev/null -w '%{http_code}' "$@"; }
check "404" [ "$(code $url/v1/stock/1)" = 404 ]
check "400" [ "$(code "$url/v1/stock?limit=0")" = 400 ]
check "405" [ "$(code -X DELETE $url/v1/batches)" = 405 ]
check "an empty batch" [ "$(code -X POST "$url/v1/batches?type=meter")" = 400 ]
check "an unknown type" [ "$(code -d x "$url/v1/batches?type=none")" = 404 ]
check "no certificate, no answer" eval '! curl -s --cacert ca/ci.pem $url/v1/stock >/dev/null'
osmo-rsp-ca -d ca issue operator --name other --id 1.3.6.1.4.1.49999.12 --dns 127.0.0.1 >/dev/null
check "a stranger of the same root" [ "$(curl -s -o /dev/null -w '%{http_code}' --cacert ca/ci.pem --cert ca/other.pem --key ca/other.key.pem $url/v1/stock)" = 403 ]
exec 8<>"/dev/tcp/127.0.0.1/$P_VTY"
printf '%s\n' enable "configure terminal" smdp "party 1.3.6.1.4.1.49999.12" "role operator" \
	"fingerprint $(osmo-rsp-ca -d ca fingerprint ca/other.pem)" "thats all" >&8
while IFS= read -t 5 -r line <&8; do [[ $line == *Unknown\ command* ]] && break; done
exec 8>&-
check "another operator sees nothing of it" [ "$(curl -s --cacert ca/ci.pem --cert ca/other.pem --key ca/other.key.pem "$url/v1/stock" | json 'd["profiles"]')" = "[]" ]
check "nor one by its ICCID" [ "$(curl -s -o /dev/null -w '%{http_code}' --cacert ca/ci.pem --cert ca/other.pem --key ca/other.key.pem $url/v1/stock/$next)" = 404 ]
((bad)) && tail -n 5 err.* smdp.log
exit $bad
