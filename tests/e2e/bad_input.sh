#!/bin/bash
# Whatever comes from outside and is wrong is refused in words, logged, and changes nothing: requests, EIS, certificates,
# SOAP by curl, PSK at the SCP81 port (threats.md). After all of it a download still works. RSP_BIN: build directory.
# SPDX-License-Identifier: AGPL-3.0-or-later
set -u
. "$(dirname "$0")/bad.lib"
for t in curl openssl gnutls-cli; do command -v $t >/dev/null || { echo "no $t"; exit 77; }; done

ISD_R=A0000005591010FFFFFFFF8900000100
PRIO=NORMAL:-VERS-ALL:+VERS-TLS1.2:-KX-ALL:+PSK:-CIPHER-ALL:+AES-128
bad_world
stack_start || die "start"
register
sleep 1

# --- orders ---
refused "unknown EID" 'FAILED.*EID' smdp FAILED order 89049032000000010000000000009995 "$(iccid 1)"
refused "unknown ICCID" 'FAILED' smdp FAILED order "${EID[0]}" 8949999999999999995
refused "profile does not fit" 'FAILED.*(octets|memory)' smdp FAILED order "${EID[3]}" "$(iccid 1)"
refused "enable of a profile that is not there" FAILED smsr FAILED es operator -q -p smsr ES4-EnableProfile eid="${EID[0]}" iccid="$(iccid 1)"
refused "somebody else's profile" FAILED smsr 'refused|FAILED' es operator -q -p smsr ES4-DeleteProfile eid="${EID[0]}" \
	iccid="$(in_record "${EID[0]}" | cut -d' ' -f1)"

# --- who may call what ---
role_conf() { # NAME ID CERT
	sed "s#^id .*#id $2#; s#^cert .*#cert $D/ca/$3.pem#; s#^key .*#key $D/ca/$3.key.pem#" "$D/operator.conf" > "$D/$1.conf"
}
role_conf smdp-as $OID_SMDP smdp
role_conf liar $OID_BOOT operator
ca issue operator --name stranger --id 1.3.6.1.4.1.49999.77 --dns 127.0.0.1 >/dev/null
role_conf stranger 1.3.6.1.4.1.49999.77 stranger
mkdir "$D/ca2" && "$CA" -d "$D/ca2" init >/dev/null && "$CA" -d "$D/ca2" issue operator --name operator --id $OID_OP --dns 127.0.0.1 >/dev/null
refused "SM-DP calls ES4" 'FAILED.*may not use' smsr refused es smdp-as -q -p smsr ES4-GetEIS eid="${EID[0]}"
refused "operator calls ES1" FAILED smsr refused es operator -q -p smsr ES1-RegisterEIS "${EIS[0]}"
refused "From is not the certificate's" FAILED smsr refused es liar -q -p smsr ES4-GetEIS eid="${EID[0]}"
refused "certificate of no party" '403|no answer|FAILED' smsr "is no party's" es stranger -q -v 5 -p smsr ES4-GetEIS eid="${EID[0]}"

# --- SOAP by hand ---
WSA=http://www.w3.org/2005/08/addressing
soap() { # FUNCTION FIELDS
	cat <<-END
	<e:Envelope xmlns:e="http://www.w3.org/2003/05/soap-envelope" xmlns:w="$WSA" xmlns:rps="http://namespaces.gsma.org/esim-messaging/3"><e:Header>
	<w:From><w:Address>https://x/es?EntityId=$OID_OP</w:Address></w:From><w:To>https://x/es?EntityId=$OID_SMSR</w:To>
	<w:MessageID>//$OID_OP/$RANDOM$RANDOM?TransactionId=t</w:MessageID><w:Action>http://gsma.com/x</w:Action></e:Header>
	<e:Body><rps:$1Request><rps:FunctionCallIdentifier>f</rps:FunctionCallIdentifier><rps:ValidityPeriod>30</rps:ValidityPeriod>
	$2</rps:$1Request></e:Body></e:Envelope>
	END
}
post() { # FILE [CURL OPTIONS]: non-zero unless EXECUTED_SUCCESS; prints status and body
	local f=$1 out
	shift
	out=$(curl -sS -m 20 --cacert "$D/ca/ci.pem" --cert "$D/ca/operator.pem" --key "$D/ca/operator.key.pem" \
		-H "Content-Type: ${TYPE:-application/soap+xml}" -H 'Expect:' -w '\nHTTP %{http_code}\n' --data-binary "@$f" "$@" "https://127.0.0.1:$P_SMSR_ES/es" 2>&1)
	echo "$out"
	[[ $out == *EXECUTED_SUCCESS* ]]
}
soap ES4-GetEIS "<rps:Eid>${EID[0]}</rps:Eid>" > "$D/good.xml"
post "$D/good.xml" >"$D/out" && ok "GetEIS by curl" || say_bad "GetEIS by curl: $(cat "$D/out")"
refused "operator calls ES3 by curl" 'FAILED' smsr refused post <(soap ES3-EnableProfile "<rps:Eid>${EID[0]}</rps:Eid><rps:Iccid>$(iccid 1)</rps:Iccid>")
refused "garbage" 'HTTP 400' smsr refused post <(head -c 3000 /dev/urandom)
refused "half a message" 'HTTP 400' smsr refused post <(head -c 400 "$D/good.xml")
refused "DOCTYPE bomb" 'HTTP 400' smsr refused post <(
	echo '<!DOCTYPE l [<!ENTITY a "aaaaaaaaaa">'; p=a
	for c in b c d e f g h i j; do echo "<!ENTITY $c \"&$p;&$p;&$p;&$p;&$p;&$p;&$p;&$p;&$p;&$p;\">"; p=$c; done
	echo "]>"; sed 's#<rps:Eid>[^<]*#<rps:Eid>\&j;#' "$D/good.xml")
refused "external entity" 'HTTP 400' smsr refused post <(
	echo "<!DOCTYPE l [<!ENTITY x SYSTEM \"file://$D/smsr.cfg\">]>"; sed 's#<rps:Eid>[^<]*#<rps:Eid>\&x;#' "$D/good.xml")
refused "deep nesting" 'HTTP 400' smsr refused post <(printf '<a>%.0s' {1..5000}; printf '</a>%.0s' {1..5000})
head -c 20000000 /dev/zero > "$D/huge"
refused "oversized body" 'HTTP 413|HTTP 000' smsr 'is larger than' post "$D/huge"
refused "oversized body in chunks" 'HTTP 413|HTTP 000' smsr 'is larger than' post "$D/huge" -H 'Transfer-Encoding: chunked'
refused "GET" 'HTTP 405' smsr . post "$D/good.xml" -X GET
TYPE=application/json
refused "wrong media type" 'HTTP 415' smsr . post "$D/good.xml"
unset TYPE
nocert() { curl -sS -m 10 --cacert "$D/ca/ci.pem" -H 'Content-Type: application/soap+xml' --data-binary "@$D/good.xml" "https://127.0.0.1:$P_SMSR_ES/es"; }
refused "no client certificate" 'curl:' smsr 'TLS|certificate|handshake' nocert
refused "client certificate of another CI" 'curl:' smsr 'TLS|certificate|handshake' post "$D/good.xml" \
	--cert "$D/ca2/operator.pem" --key "$D/ca2/operator.key.pem"

# --- EIS ---
resign() { # FILE: signs an EIS anew with the EUM's key; its text is canonical already
	local dig si
	dig=$(grep -o '<rps:EumSignedInfo.*</rps:EumSignedInfo>' "$1" | tr -d '\n' | openssl dgst -sha256 -binary | base64)
	sed -i "s#<ds:DigestValue>[^<]*#<ds:DigestValue>$dig#" "$1"
	si=$(grep -o '<ds:SignedInfo.*</ds:SignedInfo>' "$1" | tr -d '\n' | openssl dgst -sha256 -sign "$D/ca/eum.key.pem" |
		openssl asn1parse -inform DER | sed -n 's/.*INTEGER *://p' |
		while read -r n; do printf '%064s' "$n" | tr ' ' 0; done | sed 's/../\\x&/g')
	sed -i "s#\(<ds:SignatureValue[^>]*>\)[^<]*#\1$(printf '%b' "$si" | base64 -w0)#" "$1"
}
fresh() { ca eum-batch --eum "$1" --eum-id "$2" --count 1 --first "$3" --out "$D/f-$1" --smsr-id $OID_SMSR --mno-id $OID_BOOT \
	--upp "$D/p.der" --smsr-number 1001 --smsr-ip 127.0.0.1 --smsr-port "$P_SCP81" >/dev/null 2>&1; F=$(echo "$D/f-$1"/eis/*.xml); }
ca issue eum --name eum2 --id 1.3.6.1.4.1.49999.5 >/dev/null
fresh eum2 1.3.6.1.4.1.49999.5 61
foreign=$F
foreign_cert=$(grep -o '<rps:Value>7F21[^<]*' "$F")
refused "EIS of an EUM that is not the caller" FAILED smsr 'FAILED|refused' es eum -q ES1-RegisterEIS "$F"
sed 's#<rps:Eum-id>[^<]*#<rps:Eum-id>'$OID_EUM'#' "$foreign" >| "$D/x.xml"
refused "EIS with another EUM's certificate" FAILED smsr 'FAILED|refused' es eum -q ES1-RegisterEIS "$D/x.xml"
fresh eum $OID_EUM 61
good=$F
sed 's#<rps:ProductionDate>2#<rps:ProductionDate>3#' "$good" >| "$D/x.xml"
refused "EIS with a broken signature" FAILED smsr 'FAILED|refused' es eum -q ES1-RegisterEIS "$D/x.xml"
sed "s#<rps:Value>7F21[^<]*#$foreign_cert#" "$good" > "$D/x.xml"; resign "$D/x.xml"
refused "EIS with an ECASD certificate of another EUM" 'FAILED.*(not signed by the EUM|ECASD)' smsr 'FAILED|refused' es eum -q ES1-RegisterEIS "$D/x.xml"
refused "EIS registered twice" FAILED smsr 'FAILED|refused' es eum -q ES1-RegisterEIS "${EIS[0]}"
cat "$good" > "$D/x.xml"; resign "$D/x.xml"	# the proof that resign does it right
es eum -q ES1-RegisterEIS "$D/x.xml" >"$D/out" 2>&1 && ok "the same EIS, right and signed anew, is taken" || say_bad "resigned EIS: $(cat "$D/out")"

# --- PSK ---
card=$(grep -F "\"${EID[1]}\"" "$D/batch/cards.jsonl")
psk=$(sed -E 's/.*"psk":"([0-9A-F]+)".*/\1/' <<<"$card")
id=8001028110${EID[1]}4F10${ISD_R}820101830140
unknown=80010281108904903200000001000000000000999$(printf %s 5)4F10${ISD_R}820101830140
request() { printf 'POST /gsma/adminagent HTTP/1.1\r\nHost: x\r\nX-Admin-Protocol: globalplatform-remote-admin/1.0\r\nX-Admin-From: //se-id/eid/%s;//aa-id/%s\r\n\r\n' \
	"${EID[1]}" "aid/${ISD_R:0:10}/${ISD_R:10}"; sleep "${1:-1}"; }
gnu() { request | timeout 10 gnutls-cli --priority "$PRIO-$1" --pskusername "$2" --pskkey "$3" -p "$P_SCP81" 127.0.0.1 2>&1; }
ossl() { request | timeout 10 openssl s_client -connect "127.0.0.1:$P_SCP81" -tls1_2 -cipher "PSK-AES128-$1-SHA256" -psk_identity "$2" -psk "$3" 2>&1; }
psk_refused() { local out; out=$(ossl "$@"); echo "$out"; grep -q '^HTTP' <<<"$out"; }
served() { if grep -q '^HTTP/1.1 204' <<<"$2"; then ok "$1: 204"; else say_bad "$1: $(tail -5 <<<"$2")"; fi; }
served "PSK, GnuTLS, GCM" "$(gnu GCM:-MAC-ALL:+AEAD "$id" "$psk")"
served "PSK, GnuTLS, CBC" "$(gnu CBC:-MAC-ALL:+SHA256 "$id" "$psk")"
served "PSK, OpenSSL, GCM" "$(ossl GCM "$id" "$psk")"
served "PSK, OpenSSL, CBC" "$(ossl CBC "$id" "$psk")"
zero=00000000000000000000000000000000
seen() { ossl "$@" | grep -oE ':error:.*|handshake has read [0-9]+|alert.*|^HTTP.*'; }
for suite in GCM CBC; do
	refused "wrong PSK ($suite)" ':error:' smsr 'TLS' psk_refused $suite "$id" $zero
	refused "unknown PSK identity ($suite)" ':error:' smsr 'TLS' psk_refused $suite "$unknown" $zero
	a=$(seen $suite "$id" $zero) b=$(seen $suite "$unknown" $zero) c=$(seen $suite nobody $zero)
	if [ -n "$a" ] && [ "$a" = "$b" ] && [ "$b" = "$c" ]; then ok "wrong key, unknown card, no card look alike ($suite)"; else say_bad "told apart: $a / $b / $c"; fi
done
said() { gnu "$@" | grep -E '^\*\*\* |^HTTP' | sort -u; }
a=$(said GCM:-MAC-ALL:+AEAD "$id" $zero) b=$(said GCM:-MAC-ALL:+AEAD "$unknown" $zero)
if [ -n "$a" ] && [ "$a" = "$b" ] && [[ $a != *HTTP* ]]; then ok "and for GnuTLS: $a"; else say_bad "GnuTLS: $a / $b"; fi
refused "X-Admin-From of another card" 'HTTP/1.1 403' smsr 'X-Admin-From' eval 'EID[1]=${EID[0]}; out=$(ossl GCM "$id" "$psk"); echo "$out"; ! grep -q "403" <<<"$out"'

alive
works "after all that, first eUICC" "${EID[0]}" 1
works "after all that, second eUICC" "${EID[1]}" 2
finish
