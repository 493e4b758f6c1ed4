#!/bin/bash
# osmo-smdp's configuration: what is read is what `write` says, and again; mistakes are refused; the import file's mode counts.
# SPDX-License-Identifier: AGPL-3.0-or-later
set -u
SMDP=${SMDP:-../../src/smdp/osmo-smdp}
[ -x "$SMDP" ] || { echo "no $SMDP"; exit 77; }
umask 077
D=$(mktemp -d "${TMPDIR:-/tmp}/smdp-vty.XXXXXX") || exit 1
trap '[ -n "${PID:-}" ] && kill "$PID" 2>/dev/null; rm -rf "$D"' EXIT
bad=0
fail() { echo "FAIL: $*"; bad=1; }

cat > "$D/a.cfg" <<END
smdp
 own-id 1.3.6.1.4.1.49999.3
 own-name test
 database $D/smdp.db
 kek $D/kek
 ci-cert $D/ci.pem
 eum-cert $D/eum.pem
 dp-cert $D/dp.7f21
 dp-key $D/dp.pem
 es bind 127.0.0.1 0
 es url https://127.0.0.1:8454/es
 tls cert $D/tls.pem
 tls key $D/tls.key
 tls ca $D/ci.pem
 default-validity 300
 cleanup-validity 30
 memory-percent 150
 memory-extra 1000
 json bind 127.0.0.1 0
 master-delete sin 4953445001 sdin 495344505344494E01 provider 47534D4101
 segment-size 512
 segments-per-script 4
 protection session-keys
 reuse failed same-card
 reuse deleted never
 import-slice 15
 low-stock 1.3.6.1.4.1.49999.11 meter 50
 card-type 89001012
  segment-size 4000
  segments-per-script 2
  protection random-keys
 hlr
  address 127.0.0.1 4258
  create-when downloaded
  when-released keep
  algorithm milenage
  ind-bitlen 5
  timeout 3
  retry 2 60
  refusals 7
  queue 500
  hold 4
 party 1.3.6.1.4.1.49999.2
  role sm-sr
  fingerprint 00:11:22
  url https://127.0.0.1:8444/es
 party 1.3.6.1.4.1.49999.11
  role operator
END
"$SMDP" -c "$D/a.cfg" --check-config >/dev/null 2>"$D/err" || { fail "a good configuration is refused"; cat "$D/err"; }
printf 'smdp\n own-id one.two\n' > "$D/b.cfg"
"$SMDP" -c "$D/b.cfg" --check-config >/dev/null 2>&1 && fail "own-id one.two is taken"
printf 'smdp\n segment-size 65504\n' > "$D/b.cfg"
"$SMDP" -c "$D/b.cfg" --check-config >/dev/null 2>&1 && fail "segment-size 65504 is taken"
for line in 'card-type 89F' 'reuse failed sometimes' 'low-stock meter 1.2 5' 'master-delete sin 49 sdin x provider 01' 'low-stock 1.2 meter 0'; do
	printf 'smdp\n %s\n' "$line" > "$D/b.cfg"
	"$SMDP" -c "$D/b.cfg" --check-config >/dev/null 2>&1 && fail "$line is taken"
done
printf 'smdp\n party x\n' > "$D/b.cfg"
"$SMDP" -c "$D/b.cfg" --check-config >/dev/null 2>&1 && fail "party x is taken"
"$SMDP" -c "$D/none.cfg" --check-config >/dev/null 2>&1 && fail "a missing file is taken"
"$SMDP" -c "$D/a.cfg" surplus >/dev/null 2>&1 && fail "a surplus word is taken"

# the written configuration, reached over the VTY of a daemon with real certificates
CA=${CA:-../../src/tools/osmo-rsp-ca}
if [ -x "$CA" ]; then
	mkdir "$D/ca"
	{ "$CA" -d "$D/ca" init && "$CA" -d "$D/ca" issue smdp --name smdp --id 1.3.6.1.4.1.49999.3 --dns 127.0.0.1; } >/dev/null 2>"$D/err" ||
		{ fail "osmo-rsp-ca"; cat "$D/err"; }
	sed -i "s,ci-cert .*,ci-cert $D/ca/ci.pem,; /eum-cert/d; s,dp-cert .*,dp-cert $D/ca/smdp.7f21,; s,dp-key .*,dp-key $D/ca/smdp.gp.key.pem,
		s,tls cert .*,tls cert $D/ca/smdp.pem,; s,tls key .*,tls key $D/ca/smdp.key.pem,; s,tls ca .*,tls ca $D/ca/ci.pem," "$D/a.cfg"
	port=$((20000 + $$ % 20000))
	"$SMDP" -c "$D/a.cfg" --vty-port $port >"$D/log" 2>&1 &
	PID=$!
	for _ in $(seq 100); do (exec 3<>/dev/tcp/127.0.0.1/$port) 2>/dev/null && break; kill -0 $PID 2>/dev/null || break; sleep 0.1; done
	vty() { # libosmovty drops what it has not yet written when it sees "exit": read up to a mistake made on purpose
		local line
		exec 9<>/dev/tcp/127.0.0.1/$port || return
		printf 'enable\nterminal length 0\n%s\nthats all\n' "$1" >&9
		while IFS= read -t 5 -r line <&9; do
			line=${line//[$'\r']/}
			[[ $line == *Unknown\ command* ]] && break
			[[ $line == *"# thats all" ]] || printf '%s\n' "$line"
		done 2>/dev/null
		exec 9>&-
	}
	written=$(vty "show running-config" | sed -n '/^smdp/,/^end/p' | grep -v '^end\|^!')
	[ "$(sed -n '/^smdp/,$p' <<<"$written" | sed '/^OsmoSMDP/d')" = "$(cat "$D/a.cfg")" ] || {
		fail "running-config is not what was read"; diff <(echo "$written") "$D/a.cfg"; tail -3 "$D/log"; }
	vty "write file" >/dev/null
	"$SMDP" -c "$D/a.cfg" --check-config >/dev/null 2>&1 || fail "the written file is refused"
	grep -q '^  role sm-sr' "$D/a.cfg" || fail "write file lost the parties"
	vty "show order 7" | grep -q "no order 7" || fail "show order of an unknown one"
	vty "show profiles" | grep -q "0 shown of 0" || fail "show profiles"
	vty "show orders" | grep -q "Unknown" && fail "show orders"
	vty "show outbox" | grep -q "0 messages" || fail "show outbox"
	[ "$(stat -c %a "$D/kek")" = 400 ] || fail "mode of the key-encryption key"
	kill $PID; wait $PID; rc=$?
	PID=
	[ $rc = 0 ] || { fail "SIGTERM: exit status $rc"; tail -5 "$D/log"; }
	[ -e "$D/smdp.db-wal" ] && fail "SIGTERM left the database open"
	# another KEK beside a used database is no new start
	echo '{"upp_file":"x"}' > "$D/stock"
	"$SMDP" -c "$D/a.cfg" --import-profile "$D/stock" >/dev/null 2>&1 && fail "an import without owner is taken"
fi
[ $bad = 0 ] && echo "ok"
exit $bad
