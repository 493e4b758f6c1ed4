# A whole stack on loopback in one directory: root of trust, batch of eUICCs, configurations, the three programs.
# Sourced by contrib/demo, tests/e2e and bench. Needs RSP_BIN (a build directory) and D (a new directory).
# SPDX-License-Identifier: AGPL-3.0-or-later

OID_SMSR=1.3.6.1.4.1.49999.2 OID_SMDP=1.3.6.1.4.1.49999.3 OID_EUM=1.3.6.1.4.1.49999.4
OID_BOOT=1.3.6.1.4.1.49999.10 OID_OP=1.3.6.1.4.1.49999.11
SMSR=$RSP_BIN/src/smsr/osmo-smsr SMDP=$RSP_BIN/src/smdp/osmo-smdp SIM=$RSP_BIN/src/euicc/osmo-euicc-sim
CA=$RSP_BIN/src/tools/osmo-rsp-ca ES=$RSP_BIN/src/tools/osmo-es PROFILE=$RSP_BIN/src/tools/osmo-rsp-profile

port_free() { ! (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null; }
next_port=$((10000 + ($$ * 37 + RANDOM) % 20000))	# below the range that clients are given
port() { # NAME: sets NAME to a free port
	while :; do
		next_port=$((next_port + 1))
		port_free "$next_port" && { printf -v "$1" %s "$next_port"; return; }
	done
}

stack_ports() {
	local p
	for p in P_SMSR_ES P_SCP81 P_CATTP P_SMDP_ES P_SMPP P_SMSR_VTY P_SMDP_VTY P_SIM_VTY P_SMSR_CTRL P_SMDP_CTRL P_OP P_EUM P_BOOT; do port "$p"; done
}

ca() { "$CA" -d "$D/ca" "$@"; }

# stack_pki COUNT TEMPLATE.der
stack_pki() {
	mkdir -p "$D/ca" && ca init >/dev/null &&
	ca issue eum --name eum --id $OID_EUM >/dev/null &&
	ca issue smsr --name smsr --id $OID_SMSR --dns 127.0.0.1 >/dev/null &&
	ca issue smdp --name smdp --id $OID_SMDP --dns 127.0.0.1 >/dev/null &&
	ca issue operator --name operator --id $OID_OP --dns 127.0.0.1 >/dev/null &&
	ca issue operator --name boot --id $OID_BOOT --dns 127.0.0.1 >/dev/null &&
	ca eum-batch --eum eum --eum-id $OID_EUM --count "$1" --out "$D/batch" --smsr-id $OID_SMSR --mno-id $OID_BOOT \
		--upp "$2" --smsr-number 1001 --smsr-ip 127.0.0.1 --smsr-port "$P_SCP81" ${CA_BATCH:-}
}

# stock_line PACKAGE.der ICCID IMSI MSISDN K OPC [TYPE]: a line of stock.json
stock_line() {
	printf '{"upp_file":"%s","msisdn":"%s","owner":"%s","type":"%s","iccid":"%s","imsi":"%s","k":"%s","opc":"%s"}\n' \
		"$1" "$4" $OID_OP "${7:-demo}" "$2" "$3" "$5" "$6"
}

fpr() { ca fingerprint "$D/ca/$1.pem"; }

party() { # OID ROLE NAME URL [EXTRA]
	printf ' party %s\n  role %s\n  fingerprint %s\n' "$1" "$2" "$(fpr "$3")"
	[ -n "${4:-}" ] && printf '  url %s\n' "$4"
	[ -n "${5:-}" ] && printf '  %s\n' "$5"
}

# stack_prepare COUNT TEMPLATE.der: everything up to the first start; stock.json, if there, goes into the SM-DP's store.
stack_prepare() {
	stack_pki "$1" "$2" && stack_configs &&
	"$SIM" -c "$D/sim.cfg" -s "$D/sim.db" --import "$D/batch/cards.jsonl" >"$D/sim.log" 2>&1 &&
	"$SMSR" -c "$D/smsr.cfg" --import-key eum $OID_EUM "$D/ca/eum.transport.key" >"$D/smsr.log" 2>&1 &&
	{ [ ! -e "$D/stock.json" ] || "$SMDP" -c "$D/smdp.cfg" --import-profile "$D/stock.json" >"$D/smdp.log" 2>&1; } && return
	tail -n 5 "$D"/*.log
	return 1
}

luhn() { # digits: the check digit
	local s=0 d=1 i v
	for ((i = ${#1} - 1; i >= 0; i--)); do
		v=${1:i:1}
		((d)) && { v=$((v * 2)); ((v > 9)) && v=$((v - 9)); }
		d=$((!d)) s=$((s + v))
	done
	echo $(((10 - s % 10) % 10))
}

log_cfg() {
	cat <<-END
	log stderr
	 logging filter all 1
	 logging color 0
	 logging print category 1
	 logging print category-hex 0
	 logging print level 1
	 logging print extended-timestamp 1
	 logging print file 0
	 logging level set-all ${LOGLEVEL:-info}
	END
}

stack_configs() {
	{ log_cfg; cat <<-END
	smsc sim
	 host 127.0.0.1 $P_SMPP
	 system-id smsr
	 password secret
	smsr
	 own-id $OID_SMSR
	 own-name osmo-smsr
	 database $D/smsr.db
	 kek $D/smsr.kek
	 ci-cert $D/ca/ci.pem
	 es bind 127.0.0.1 $P_SMSR_ES
	 es url https://127.0.0.1:$P_SMSR_ES/es
	 tls cert $D/ca/smsr.pem
	 tls key $D/ca/smsr.key.pem
	 tls ca $D/ca/ci.pem
	 scp81 bind 127.0.0.1 $P_SCP81
	 scp81 advertise 127.0.0.1 $P_SCP81
	 cat-tp bind ${CATTP_IP:-127.0.0.1} $P_CATTP
	 sms number 1001
	${SMSR_EXTRA:-}
	 allow-operate
	END
	party $OID_EUM eum eum-tls "https://127.0.0.1:$P_EUM/es" "eum-cert $D/ca/eum.pem"
	party $OID_SMDP sm-dp smdp "https://127.0.0.1:$P_SMDP_ES/es"
	party $OID_OP operator operator "https://127.0.0.1:$P_OP/es"
	party $OID_BOOT operator boot "https://127.0.0.1:$P_BOOT/es"
	} > "$D/smsr.cfg"
	{ log_cfg; cat <<-END
	smdp
	 own-id $OID_SMDP
	 own-name osmo-smdp
	 database $D/smdp.db
	 kek $D/smdp.kek
	 ci-cert $D/ca/ci.pem
	 eum-cert $D/ca/eum.pem
	 dp-cert $D/ca/smdp.7f21
	 dp-key $D/ca/smdp.gp.key.pem
	 es bind 127.0.0.1 $P_SMDP_ES
	 es url https://127.0.0.1:$P_SMDP_ES/es
	 tls cert $D/ca/smdp.pem
	 tls key $D/ca/smdp.key.pem
	 tls ca $D/ca/ci.pem
	END
	party $OID_SMSR sm-sr smsr "https://127.0.0.1:$P_SMSR_ES/es"
	party $OID_OP operator operator "https://127.0.0.1:$P_OP/es"
	} > "$D/smdp.cfg"
	{ log_cfg; cat <<-END
	network
	 smpp listen 127.0.0.1 $P_SMPP password secret
	${SIM_NETWORK:-}
	sim
	 autostart
	${SIM_CARDS:-}
	END
	} > "$D/sim.cfg"
	local who
	for who in "operator $OID_OP $P_OP" "boot $OID_BOOT $P_BOOT" "eum $OID_EUM $P_EUM"; do
		# shellcheck disable=SC2086
		set -- $who
		local cert=$1; [ "$1" = eum ] && cert=eum-tls
		cat > "$D/$1.conf" <<-END
		id $2
		name $1
		cert $D/ca/$cert.pem
		key $D/ca/$cert.key.pem
		ca $D/ca/ci.pem
		listen 127.0.0.1 $3
		peer smsr sm-sr $OID_SMSR https://127.0.0.1:$P_SMSR_ES/es $D/ca/smsr.pem
		peer smdp sm-dp $OID_SMDP https://127.0.0.1:$P_SMDP_ES/es $D/ca/smdp.pem
		END
	done
	sed -i "/^peer smdp/d" "$D/eum.conf"
}

# With VCLOCK_SO (tests/vclock) the programs share a clock that jumps while all of them and one osmo-es wait for a timer.
clocked() { # -|driver PROGRAM...; in a subshell
	local kind=$1
	shift
	[ -n "${VCLOCK_SO:-}" ] || exec "$@"
	[ "$kind" = driver ] && export RSP_VCLOCK_DRIVER=1
	LD_PRELOAD=$VCLOCK_SO RSP_VCLOCK=$D/vclock RSP_VCLOCK_MIN=4 exec "$@"
}

declare -A PID=()
start() { # smsr | smdp | sim
	case $1 in
	smsr) clocked - "$SMSR" -c "$D/smsr.cfg" --vty-port "$P_SMSR_VTY" --ctrl-port "$P_SMSR_CTRL" >>"$D/smsr.log" 2>&1 & ;;
	smdp) clocked - "$SMDP" -c "$D/smdp.cfg" --vty-port "$P_SMDP_VTY" --ctrl-port "$P_SMDP_CTRL" >>"$D/smdp.log" 2>&1 & ;;
	sim) clocked - "$SIM" -c "$D/sim.cfg" -s "$D/sim.db" --vty-port "$P_SIM_VTY" >>"$D/sim.log" 2>&1 & ;;
	esac
	PID[$1]=$!
}

wait_port() { # PORT NAME
	local i
	for ((i = 0; i < 200; i++)); do
		port_free "$1" || return 0
		kill -0 "${PID[$2]}" 2>/dev/null || { echo "$2 ended:"; tail -5 "$D/$2.log"; return 1; }
		sleep 0.05
	done
	echo "$2 does not listen on $1"; return 1
}

stack_start() {
	start sim && wait_port "$P_SMPP" sim && start smsr && wait_port "$P_SMSR_ES" smsr && start smdp && wait_port "$P_SMDP_ES" smdp
}

stack_stop() {
	local p
	for p in "${PID[@]}"; do kill "$p" 2>/dev/null; done
	for p in "${PID[@]}"; do wait "$p" 2>/dev/null; done
	PID=()
}

es() { local who=$1; shift; (clocked driver "$ES" -c "$D/$who.conf" "$@"); }

vty() { # PORT COMMAND: the answer's text
	local line on=
	exec 9<>"/dev/tcp/127.0.0.1/$1" || return 1
	# libosmovty drops what it has not yet written when it sees "exit": read up to a mistake made on purpose
	printf 'enable\nterminal length 0\n%s\nthats all\n' "$2" >&9
	while IFS= read -t 5 -r line <&9; do
		line=${line//[$'\r']/}
		[[ $line == *Unknown\ command* ]] && break
		[[ -n $on && $line != *"# thats all" ]] && printf '%s\n' "$line"
		[[ $line == *"# $2" ]] && on=1
	done 2>/dev/null
	exec 9>&-
}
