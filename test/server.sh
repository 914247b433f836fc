# An assertion-enabled PostgreSQL, built from the distribution's source package
# and kept for the next time.  To be sourced after test/setup.sh.
# shellcheck shell=bash
#
# INTERACT_CACHE is the directory to keep it in; it is a few hundred megabytes.

# Where it is kept.  Others must be able to read it, the server's user for one,
# but nobody else may have put it there.
cache_dir()
{
	local dir=${INTERACT_CACHE:-/tmp/interact-cache-$(id -u)}

	mkdir -p "$dir"
	[ -O "$dir" ] || die "$dir belongs to somebody else, please set INTERACT_CACHE"
	chmod 755 "$dir"
	printf '%s\n' "$dir"
}

# Download the source package of the distribution's PostgreSQL and unpack it
# below the directory $1.  Its own list of sources is used, as the machine's
# may name binary packages only; and the release without its updates, as
# mirrors of these often have no sources.
fetch_source()
{
	local dir=$1 version=$2 apt site release component keyring

	mkdir -p "$dir/apt/lists/partial" "$dir/apt/archives/partial"
	distribution_sources | while read -r site release component keyring; do
		case $release in
			*-*) ;;
			*) echo "deb-src [signed-by=$keyring] $site $release $component" ;;
		esac
	done >"$dir/apt/sources.list"

	apt=(apt-get -qq -o "Dir::Etc::SourceList=$dir/apt/sources.list"
		-o Dir::Etc::SourceParts=- -o "Dir::State::Lists=$dir/apt/lists"
		-o Dir::Cache::pkgcache= -o Dir::Cache::srcpkgcache=
		-o APT::Sandbox::User=root)
	"${apt[@]}" update </dev/null
	(cd "$dir" && "${apt[@]}" source "postgresql-$version" </dev/null)
}

# What a server is built with and this machine does not have, one package per
# line.
missing_build_packages()
{
	missing_packages "$1" | grep -v ^postgresql
	command -v bison >/dev/null || echo bison
	command -v flex >/dev/null || echo flex
	command -v valgrind >/dev/null || echo valgrind
	command -v dpkg-source >/dev/null || echo dpkg-dev
	command -v patch >/dev/null || echo patch
	command -v pkg-config >/dev/null || echo pkg-config
}

# Build it unless it is there already; PG_CONFIG becomes its pg_config.
assert_server()
{
	local cache version prefix log src packages

	PG_CONFIG=${PG_CONFIG:-pg_config}
	version=$(wanted_version)
	[ -n "$version" ] || die "no PostgreSQL among the packages, please set PG_CONFIG"
	cache=$(cache_dir)
	prefix=$cache/postgresql-$version
	log=$prefix.log
	src=$prefix.src

	if ! [ -e "$prefix/complete" ]; then
		say "Building PostgreSQL $version with assertions (log: $log)"
		mapfile -t packages < <(missing_build_packages "$version")
		: >"$log"
		if [ "${#packages[@]}" -gt 0 ]; then
			{
				as_root env DEBIAN_FRONTEND=noninteractive apt-get -qq update
				as_root env DEBIAN_FRONTEND=noninteractive apt-get -qq -y \
					--no-install-recommends -o Dpkg::Use-Pty=0 install "${packages[@]}"
			} </dev/null >>"$log" 2>&1 ||
				{ tail -n 50 "$log"; die "could not install ${packages[*]}"; }
		fi
		rm -rf "$src" "$prefix"
		mkdir "$src"
		fetch_source "$src" "$version" >>"$log" 2>&1 ||
			{ tail -n 50 "$log"; die "could not get the source package"; }
		(
			cd "$src"/postgresql-"$version"-*/ || exit
			# After each statement all memory would be checked, which takes much
			# more time than the statements themselves: after some is enough.
			sed -i 's/^\([[:space:]]*\)\(MemoryContextCheck(TopMemoryContext);\)$/\1{ static unsigned n; if (n++ % 32 == 0) \2 }/' \
				src/backend/tcop/postgres.c
			grep -q 'n++ % 32' src/backend/tcop/postgres.c
			# What the extension does not use is left out.
			./configure --prefix="$prefix" --enable-cassert --enable-debug \
				--enable-tap-tests --without-readline --without-zlib --without-icu \
				CFLAGS='-O1 -fno-omit-frame-pointer -DUSE_VALGRIND'
			make -s -j "${JOBS:-$(nproc)}"
			make -s install
			cp src/tools/valgrind.supp "$prefix"
		) >>"$log" 2>&1 ||
			{ tail -n 50 "$log"; die "could not build PostgreSQL"; }
		rm -rf "$src"
		touch "$prefix/complete"
	fi
	PG_CONFIG=$prefix/bin/pg_config
}
