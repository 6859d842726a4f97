# What t/check and t/demo do first: packages, a private sendmail, a build.
# Read by sh; SRC is the source tree. Nothing here asks a question.

say() { printf '%s\n' "== $*"; }
fail() { printf '%s: %s\n' "${0##*/}" "$*" >&2; exit 1; }

# the package names of t/packages: demo | check | unpack
packages() {
	case $1 in
	demo) sed '/^# to test/q' "$SRC/t/packages" | sed 's/ *#.*//; /^$/d' ;;
	check) sed 's/ *#.*//; /^$/d' "$SRC/t/packages" ;;
	unpack) sed -n 's/^#unpack *//p' "$SRC/t/packages" ;;
	esac
}

missing_packages() {
	for name in $(packages "$1"); do
		case $(dpkg-query -W -f '${db:Status-Status}' "$name" \
			2>/dev/null) in
		installed) ;;
		*) printf '%s ' "$name" ;;
		esac
	done
}

as_root() {
	if [ "$(id -u)" = 0 ]; then
		"$@"
	else
		sudo -n "$@"
	fi
}

can_be_root() {
	[ "$(id -u)" = 0 ] || sudo -n true 2>/dev/null
}

# --no-remove: a machine that has another mail server keeps it.
apt_install() {
	as_root env DEBIAN_FRONTEND=noninteractive apt-get -qq -y \
		-o Dpkg::Use-Pty=0 --no-install-recommends --no-remove \
		install "$@" >/dev/null </dev/null
}

# install_packages demo | check
install_packages() {
	command -v dpkg-query >/dev/null ||
		fail "this is no Debian; install what $SRC/t/packages lists" \
			"and set MUSTER_NO_INSTALL=1"
	[ -z "${MUSTER_NO_INSTALL-}" ] || return 0
	wanted=$(missing_packages "$1")
	[ -n "$wanted" ] || return 0
	can_be_root || fail "these packages are missing: $wanted
Install them as root:
    apt-get install --no-install-recommends $wanted
(for postfix choose \"No configuration\"), or run this as root."
	say "installing: $wanted"
	# Without a configuration Postfix is installed but not started.
	case " $wanted " in
	*" postfix "*)
		echo 'postfix postfix/main_mailer_type select No configuration' |
			as_root debconf-set-selections ;;
	esac
	# shellcheck disable=SC2086
	apt_install $wanted 2>/dev/null && return 0
	as_root apt-get -qq update </dev/null || say "apt-get update has failed"
	# shellcheck disable=SC2086
	apt_install $wanted || fail "apt-get could not install: $wanted
If it says that packages would have to be removed: this machine has another
mail server, which is left alone; use another machine or a container."
}

# unpack_sendmail DIR - DIR/usr/libexec/sendmail/sendmail and its libraries
unpack_sendmail() {
	[ ! -e "$1/ready" ] || return 0
	say "unpacking a private sendmail"
	rm -rf "$1"
	mkdir -p "$1/deb"
	# shellcheck disable=SC2046
	(cd "$1/deb" && {
		apt-get -qq download $(packages unpack) 2>/dev/null ||
			{ as_root apt-get -qq update </dev/null &&
			apt-get -qq download $(packages unpack); }
	} && for deb in *.deb; do dpkg -x "$deb" .. || exit 1; done) ||
		fail "cannot download: $(packages unpack | tr '\n' ' ')"
	rm -rf "$1/deb"
	# With setgid the loader would not look at LD_PRELOAD.
	chmod g-s "$1/usr/libexec/sendmail/sendmail"
	"${CC:-cc}" -O1 -Wall -Wextra -shared -fPIC -o "$1/preload.so" \
		"$SRC/t/lib/preload.c" || fail "cannot compile preload.c"
	: >"$1/ready"
}

# build DIR [configure argument...] - out of tree
build() {
	dir=$1
	shift
	# Later changes are make's to see.
	[ -x "$SRC/configure" ] && [ -e "$SRC/Makefile.in" ] || (cd "$SRC" &&
		autoreconf -fi >/dev/null 2>"$SRC/autoreconf.log") || {
		cat "$SRC/autoreconf.log" >&2
		fail "autoreconf has failed"
	}
	rm -f "$SRC/autoreconf.log"
	mkdir -p "$dir"
	[ -e "$dir/Makefile" ] || (cd "$dir" &&
		"$SRC/configure" --quiet "$@" >configure.out 2>&1) || {
		cat "$dir/configure.out" >&2
		fail "configure has failed in $dir"
	}
	quiet_make "$dir" all
}

# quiet_make DIR TARGET... - what it says only if it fails
quiet_make() {
	dir=$1
	shift
	make --no-print-directory -s -C "$dir" -j"$JOBS" "$@" \
		>"$dir/make.out" 2>&1 </dev/null || {
		tail -n 100 "$dir/make.out" >&2
		fail "make $* has failed in $dir"
	}
}

JOBS=$(nproc 2>/dev/null || echo 2)
umask 022
export LC_ALL=C.UTF-8
unset MAKEFLAGS MAKELEVEL CDPATH
PATH=$PATH:/usr/sbin:/sbin
