# Shared by contrib/demo, contrib/check and contrib/bench: packages and builds. Sourced, not run.
# SPDX-License-Identifier: AGPL-3.0-or-later

TOP=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
BUILD_ROOT=${RSP_BUILD:-$TOP/build}
BUILD_PKGS="gcc make autoconf automake pkg-config libc6-dev libosmocore-dev libtalloc-dev libssl-dev libgnutls28-dev
	libmicrohttpd-dev libcurl4-gnutls-dev libxml2-dev libxmlsec1-dev libjansson-dev libsmpp34-dev libsqlite3-dev
	libcmocka-dev zlib1g-dev"
TEST_PKGS="asn1c osmo-hlr libosmocore-utils clang tshark python3-zeep python3-lxml python3-jsonschema gnutls-bin openssl curl"
# for tests/e2e/osmomsc.sh, which says that it is skipped where they cannot be had
OSMOMSC_PKGS="user-mode-linux osmo-stp osmo-hlr osmo-msc"

say() { printf '\033[1m== %s\033[0m\n' "$*"; }
die() { printf '%s: %s\n' "${0##*/}" "$*" >&2; exit 1; }

# Install what is missing of the packages named.
need() {
	local p missing=()
	for p in "$@"; do
		dpkg-query -W -f '${Status}' "$p" 2>/dev/null | grep -q 'ok installed' || missing+=("$p")
	done
	((${#missing[@]} == 0)) && return
	say "installing ${#missing[@]} packages"
	local sudo=
	[ "$(id -u)" = 0 ] || sudo=sudo
	$sudo apt-get update -q >/dev/null || die "apt-get update failed"
	DEBIAN_FRONTEND=noninteractive $sudo apt-get install -y -q --no-install-recommends "${missing[@]}" |
		awk '/^(Unpacking|Setting up)/ { n++; if (n % 25 == 0) print "   " n " steps, " $0; fflush() }'
	((PIPESTATUS[0] == 0)) || die "apt-get install failed"
}

# build NAME [configure arguments]: in $BUILD_ROOT/NAME; output goes to a log that is shown when it fails.
build() {
	local name=$1 dir=$BUILD_ROOT/$1
	shift
	say "building $name ($*)"
	mkdir -p "$dir"
	[ -e "$TOP/configure" ] || (cd "$TOP" && autoreconf -fi) >"$dir/autoreconf.log" 2>&1 || { tail -20 "$dir/autoreconf.log"; die "autoreconf failed"; }
	(cd "$dir" && { [ -e config.status ] || "$TOP/configure" "$@"; }) >"$dir/configure.log" 2>&1 ||
		{ tail -20 "$dir/configure.log"; die "configure failed"; }
	make -C "$dir" -j"$(nproc)" >"$dir/make.log" 2>&1 || { grep -E 'error|warning|\*\*\*' "$dir/make.log" | head -20; die "build $name failed, see $dir/make.log"; }
}
