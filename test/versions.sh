#!/usr/bin/env bash
# make test-versions: the whole test suite on every supported version of
# PostgreSQL, each in a chroot of the release of Debian that has it, made for
# the purpose and removed afterwards; and pg_upgrade from each to the next.
#
#   test/versions.sh [NN...]     versions, 15 17 18 by default
#
# 19 is not released yet, so that it has to be asked for.
#
# The mirror is the one that the machine's packages come from.  Everything is
# downloaded, so this fails on a machine without a network; it needs root, for
# chroot.  Settings:
#
#   SUITE_NN           another release for version NN
#   INTERACT_CHROOTS   a directory to keep the chroots in and to use them from
#                      the next time; without it nothing is kept
#   STEPS              steps of test/run.sh, all by default
#   PROVE_TESTS        TAP scripts, all by default
#
# The last line of the output is "N passed, N failed".

set -euo pipefail

# shellcheck source=test/setup.sh
source "$(dirname "$0")/setup.sh"

# Which release has which version, and which version comes before it
declare -A suites=([15]=bookworm [17]=trixie [18]=forky [19]=sid)
declare -A previous=([17]=15 [18]=17 [19]=18)

# Versions that are not released yet, and the release that has them beside the
# one above, whose packages are taken otherwise.  Their failures are warnings.
declare -A prerelease=([19]=experimental)

passed=0
failed=0

suite()
{
	local variable=SUITE_$1

	printf '%s\n' "${!variable:-${suites[$1]:-}}"
}

# The mirror that serves this machine's own release, and its keyring
find_mirror()
{
	local release

	release=$(sed -n 's/^VERSION_CODENAME=//p' /etc/os-release)
	read -r mirror _ _ keyring < <(distribution_sources | awk -v r="$release" '$2 == r') ||
		die "apt does not say where the packages of $release come from"
	[ -e "$keyring" ] || die "there is no $keyring"
}

# Install mmdebstrap if it is missing.
install_mmdebstrap()
{
	command -v mmdebstrap >/dev/null && return 0
	command -v apt-get >/dev/null || die "please install mmdebstrap first"
	say "Installing mmdebstrap"
	as_root env DEBIAN_FRONTEND=noninteractive apt-get -qq update </dev/null
	as_root env DEBIAN_FRONTEND=noninteractive apt-get -qq -y \
		--no-install-recommends -o Dpkg::Use-Pty=0 install mmdebstrap \
		</dev/null >"$work/apt.log" 2>&1 ||
		{ cat "$work/apt.log"; die "could not install mmdebstrap"; }
}

# Make the chroot of version $1 in $chroots/$1, unless a complete one is there.
make_chroot()
{
	local version=$1 root=$chroots/$1 release suite log=$work/mmdebstrap-$1.log
	local -a sources aptopts

	[ -e "$root/complete" ] && return 0
	suite=$(suite "$version")
	[ -n "$suite" ] || die "no release is known to have PostgreSQL $version, please set SUITE_$version"
	say "Making a chroot of $suite for PostgreSQL $version"

	# The releases of a pg_upgrade: a machine that was upgraded from one to the
	# next has packages of both.
	for release in "$suite" ${previous[$version]:+"$(suite "${previous[$version]}")"} \
		${prerelease[$version]:+"${prerelease[$version]}"}; do
		sources+=("deb [signed-by=$keyring] $mirror $release main")
	done

	# What this machine says about fetching (a proxy, say) holds there as well.
	# Releases that are not out yet may lie on a mirror for longer than they
	# say they are valid.
	mapfile -t aptopts < <(apt-config dump |
		grep -E '^Acquire::((https?|ftp)::|Check-|Retries)' | sed 's/^/--aptopt=/')
	aptopts+=('--aptopt=Acquire::Check-Valid-Until "false"')

	as_root rm -rf "$root"
	as_root mkdir -p "$root"
	as_root mmdebstrap --quiet --mode=root --variant=apt --format=directory \
		--keyring="$keyring" "${aptopts[@]}" --dpkgopt=force-unsafe-io \
		--include=make "$suite" "$root" "${sources[@]}" </dev/null >"$log" 2>&1 ||
		{ cat "$log"; die "could not make a chroot of $suite from $mirror"; }
	if [ -n "${prerelease[$version]:-}" ]; then
		# Only what comes with PostgreSQL itself
		printf '%s\n' "Package: src:postgresql-$version" \
			"Pin: release a=${prerelease[$version]}" 'Pin-Priority: 500' |
			as_root tee "$root/etc/apt/preferences.d/interact-test" >/dev/null
	fi
	as_root mkdir -p "$root/etc/postgresql-common/createcluster.d"
	echo "create_main_cluster = false" |
		as_root tee "$root/etc/postgresql-common/createcluster.d/interact-test.conf" >/dev/null
	as_root touch "$root/complete"
}

# Run a command in chroot $1.  Its processes and mounts end with it, whatever
# it leaves running.  It sees the proxies and the INTERACT_* settings of the
# caller's environment, and nothing else of it.
in_chroot()
{
	local root=$chroots/$1 name
	local -a environment=(HOME=/root LC_ALL=C PATH=/usr/sbin:/usr/bin:/sbin:/bin)
	shift

	for name in $(compgen -e); do
		case $name in
			INTERACT_CHROOTS) ;;
			INTERACT_* | PROVE_TESTS | CI | http_proxy | https_proxy | no_proxy)
				environment+=("$name=${!name}") ;;
		esac
	done
	# shellcheck disable=SC2016
	as_root unshare --mount --pid --fork --kill-child sh -ec '
		root=$1
		shift
		mount -t proc proc "$root/proc"
		mount -t tmpfs -o mode=1777 shm "$root/dev/shm"
		exec chroot "$root" env -i "$@"' sh "$root" "${environment[@]}" "$@" </dev/null
}

# In chroot $1: install the server of version $2, from which pg_upgrade shall
# upgrade, with the extension.  Of its headers only the files: their package
# would bring the compilers of its release along.
install_old()
{
	local old=$2

	# shellcheck disable=SC2016
	in_chroot "$1" DEBIAN_FRONTEND=noninteractive OLD="$old" sh -ec '
		apt-get -qq update
		apt-get -qq -y --no-install-recommends -o Dpkg::Use-Pty=0 install \
			gcc libc6-dev "postgresql-$OLD"
		mkdir /tmp/old
		cd /tmp/old
		apt-get -qq download "postgresql-server-dev-$OLD"
		dpkg-deb -x ./*.deb /
		cp -r /interact build
		cd build
		make -s PG_CONFIG=/usr/lib/postgresql/$OLD/bin/pg_config
		make -s install PG_CONFIG=/usr/lib/postgresql/$OLD/bin/pg_config
		rm -rf /tmp/old' >"$work/old.log" 2>&1 ||
		{ cat "$work/old.log"; die "could not install PostgreSQL $old to upgrade from"; }
}

# Test one version.
test_version()
{
	local version=$1 root=$chroots/$1 old=${previous[$1]:-} log=$work/test-$1.log
	local status=0 result
	local -a environment=("PG_CONFIG=/usr/lib/postgresql/$1/bin/pg_config")

	make_chroot "$version"
	as_root rm -rf "$root/interact"
	as_root mkdir "$root/interact"
	tar -C "$top" -cf - --exclude=.git --exclude='*.o' --exclude='*.so' \
		--exclude='*.bc' --exclude=./results --exclude=./output_iso \
		--exclude=./tmp_check . | as_root tar -C "$root/interact" -xof -

	if [ -n "$old" ]; then
		say "Installing PostgreSQL $old to upgrade from"
		install_old "$version" "$old"
		environment+=("oldinstall=/usr/lib/postgresql/$old")
	fi

	say "Testing PostgreSQL $version on $(suite "$version")"
	# shellcheck disable=SC2086
	in_chroot "$version" "${environment[@]}" /interact/test/run.sh ${STEPS:-} \
		>"$log" 2>&1 || status=$?

	# Its last line is the result; all of it is worth reading only if something
	# is wrong.
	result=$(sed -n '$s/^\([0-9]*\) passed, \([0-9]*\) failed$/\1 \2/p' "$log")
	[ -n "$result" ] || result="0 1"
	if [ "$status" -ne 0 ]; then
		sed '$d' "$log"
	fi
	echo "PostgreSQL $version on $(suite "$version"): ${result/ / passed, } failed"
	if [ "$status" -ne 0 ] && [ -n "${prerelease[$version]:-}" ]; then
		echo "warning: PostgreSQL $version is not released yet, and is not tested successfully"
		return 0
	fi
	passed=$((passed + ${result% *}))
	failed=$((failed + ${result#* }))
	if [ "$status" -ne 0 ] && [ "${result#* }" -eq 0 ]; then
		failed=$((failed + 1))
	fi
	[ -n "${INTERACT_CHROOTS:-}" ] || as_root rm -rf "$root"
}

# Whatever happened, the last line says how it went.
finish()
{
	local status=$?

	if [ -n "${work:-}" ] && [ -d "$work" ]; then
		cd /
		as_root rm -rf --one-file-system "$work"
	fi
	if [ "$status" -ne 0 ] && [ "$failed" -eq 0 ]; then
		failed=1
	fi
	printf '\n%d passed, %d failed\n' "$passed" "$failed"
	[ "$failed" -eq 0 ] || exit 1
}

export LC_ALL=C
work=$(mktemp -d /tmp/interact.XXXXXX)
trap finish EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP
chroots=${INTERACT_CHROOTS:-$work}

[ $# -gt 0 ] || set -- 15 17 18
find_mirror
install_mmdebstrap
for version in "$@"; do
	test_version "$version"
done
