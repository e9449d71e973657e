#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Makes a local base image and prints its reference. Does nothing where the image is there already and
# was made in the same way.
#
#   scripts/base-image.sh [--force] NAME...
#   scripts/base-image.sh --list [--large]   the names, or those of what is too large to be made for each test run
#   scripts/base-image.sh --root NAME...   no image: unpacks the root file system of bullseye, bookworm, trixie, sid,
#                                          sid-arm64 (aarch64), emulator (a program that runs those of an aarch64),
#                                          engines (what scripts/side-engine.sh starts) or readers (cosign) into the
#                                          cache, and prints the directory
#
#   bookworm         Debian 12: Python 3.11, a static interpreter, with Flask, requests, boto3, numpy, HTTPie
#   small            bookworm without what is large and seldom asked for: all packages, of boto3 none of the services
#   minimal          bookworm's Python with its standard library and a shell, and a command that imports some of it
#   trixie           Debian 13: Python 3.13, the same packages
#   bullseye         Debian 11: Python 3.9, the same packages
#   sid              Debian unstable: Python 3.14 and 3.15, with Flask and requests
#   shared           trixie, and a CPython 3.13 with a shared libpython in /usr/local, as official images have it
#   bookworm-nopyc, trixie-nopyc, shared-nopyc   the same without any bytecode file
#   servers          Debian 12 with what embeds its Python: uWSGI's plugin and Apache's mod_wsgi
#   py38             trixie, and a CPython 3.8 in /usr/local: too old to be baked
#   bench-bookworm, bench-shared   Python 3.11 static, and 3.13 with a shared libpython, with the packages of the
#                    benchmark; -native: those with large native libraries; -nopyc: without any bytecode file
#   bench-sid        Python 3.15 with those of the packages that need no extension module of another Python
#   nopython         a shell and no Python
#   torch            Debian 12 with its PyTorch
#
# Exit code 77: cannot be made on this machine; the reason is the last message.

# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

# What tests and examples use. The benchmark's images are large and are only made for it, and so are those of a single test.
readonly NAMES=(bookworm small minimal bookworm-nopyc trixie trixie-nopyc bullseye sid shared shared-nopyc servers py38 nopython)
readonly LARGE_NAMES=(torch)
readonly BENCH_NAMES=(bench-{bookworm,shared}{,-native}{,-nopyc} bench-sid)
readonly DEBIAN_PACKAGES=python3,python3-flask,python3-requests,python3-boto3,python3-numpy,httpie,gunicorn,ca-certificates
readonly TORCH_PACKAGES=python3,python3-torch,python3-numpy,ca-certificates
# Lists of a frozen mirror of unstable are past their date.
readonly SID_OPTION='--aptopt=Acquire::Check-Valid-Until "false"'
readonly SID_PACKAGES=python3,python3.15,python3-flask,python3-requests,ca-certificates
readonly SERVER_PACKAGES=python3,uwsgi-core,uwsgi-plugin-python3,apache2,libapache2-mod-wsgi-py3
readonly ENGINE_PACKAGES=docker.io,docker-cli,docker-buildx,iptables,ca-certificates
readonly BENCH_PACKAGES=python3,python3-boto3,python3-requests,python3-pyparsing,python3-sqlalchemy,python3-werkzeug,python3-aiohttp,python3-flask,python3-httpx,python3-jsonschema,python3-yaml,python3-django,python3-fastapi,httpie,awscli,ca-certificates
readonly BENCH_NATIVE_PACKAGES=python3,python3-numpy,python3-scipy,python3-pandas,python3-seaborn,python3-sklearn,python3-torch
# Not packaged by Debian, or only with everything around them. Each lies in /opt/pypi/NAME.
readonly BENCH_PYPI=(google-cloud-storage==2.18.2 azure-core==1.30.2)
readonly IMAGE_ENV='ENV PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin LANG=C.UTF-8'
FORCE=
# Set by --root: what mmdebstrap makes is unpacked here instead of being imported.
ROOTS=

# replace_image IMAGE COMMAND...: runs a command that makes IMAGE anew, and removes what had the name
# before unless another image or a container is built on it.
replace_image() {
  local image=$1 old
  shift
  old=$(docker image inspect -f '{{.Id}}' "$image" 2>/dev/null || true)
  "$@" >/dev/null
  [ -z "$old" ] || [ "$old" = "$(docker image inspect -f '{{.Id}}' "$image")" ] || docker rmi "$old" >/dev/null 2>&1 || true
}

# recipe_of IMAGE: the recipe that an image at hand was made by.
recipe_of() { docker image inspect -f "{{index .Config.Labels \"$RECIPE_LABEL\"}}" "$1"; }

# --- Root file systems of Debian --------------------------------------------------------------------

need_mmdebstrap() {
  have mmdebstrap && return 0
  can_install || skip "mmdebstrap is missing and cannot be installed" \
    "Install mmdebstrap and debian-archive-keyring, or run this as root on Debian or Ubuntu."
  apt_install mmdebstrap debian-archive-keyring
}

# debian_tar SUITE RECIPE MMDEBSTRAP_OPTION...: prints the file of a root file system. It is kept in the cache
# directory, so that an image removed from the engine comes back without a download.
debian_tar() {
  local suite=$1 file part
  file=$(cache_dir)/rootfs-$1-$2.tar
  shift 2
  part=${file%.tar}.$$.tar
  if [ ! -e "$file" ] || [ -n "$FORCE" ]; then
    need_mmdebstrap
    say "making a root file system with mmdebstrap (Debian $suite)"
    mmdebstrap --quiet "$@" \
      "$suite" "$part" ${PYCDS_DEBIAN_MIRROR:+"$PYCDS_DEBIAN_MIRROR"} >&2 || {
      rm -rf "$part"
      skip "mmdebstrap could not make a root file system of Debian $suite" "Is a Debian mirror reachable?"
    }
    mv "$part" "$file"
  fi
  printf '%s\n' "$file"
}

# import_debian IMAGE SUITE CMD MMDEBSTRAP_OPTION...: one layer.
import_debian() {
  local image=$1 suite=$2 cmd=$3 recipe file
  shift 3
  recipe=$(digest "$suite" "$cmd" "${PYCDS_DEBIAN_MIRROR:-}" "$@")
  if [ -n "$ROOTS" ]; then
    unpack "${image#pycds-test/}" "$(debian_tar "$suite" "$recipe" "$@")"
    return
  fi
  up_to_date "$image" "$recipe" && return 0
  file=$(debian_tar "$suite" "$recipe" "$@")
  say "importing $image"
  replace_image "$image" docker import -c "LABEL $RECIPE_LABEL=$recipe" -c "CMD $cmd" -c "$IMAGE_ENV" "$file" "$image"
}

# unpack NAME TAR: into the directory NAME, unless that was made from the same file.
unpack() {
  local directory=$ROOTS/$1
  [ "$(cat "$directory.made-from" 2>/dev/null)" = "$2" ] && return 0
  rm -rf "$directory" "$directory.made-from"
  mkdir -p "$directory"
  # Devices cannot be made everywhere, and interpreters need none.
  tar -C "$directory" -xf "$2" --exclude='./dev/*'
  printf '%s\n' "$2" >"$directory.made-from"
}

# make_debian NAME SUITE MMDEBSTRAP_OPTION...
make_debian() {
  # shellcheck disable=SC2016 # expanded by mmdebstrap's shell
  import_debian "pycds-test/$1" "$2" '["python3"]' --variant=minbase "${@:3}" \
    --aptopt='Acquire::Languages "none"' --customize-hook='rm -f "$1/etc/hostname" "$1/etc/resolv.conf"' \
    --dpkgopt='path-exclude=/usr/share/doc/*' --dpkgopt='path-exclude=/usr/share/man/*' \
    --dpkgopt='path-exclude=/usr/share/info/*' --dpkgopt='path-exclude=/usr/share/locale/*'
}

# Unpacked only: nothing of it can run here but by an emulator.
make_arm64() {
  # shellcheck disable=SC2016 # expanded by mmdebstrap's shell
  import_debian "pycds-test/$1" sid '["python3"]' --architectures=arm64 --variant=extract \
    --include=python3.13,python3.15,libc6,libgcc-s1,zlib1g,libexpat1 --dpkgopt='path-exclude=/usr/share/*' \
    --extract-hook='ln -sfn usr/lib "$1/lib"' "$SID_OPTION"
}

# Unpacked only: one program, linked statically, that runs those of an aarch64.
make_emulator() {
  import_debian "pycds-test/$1" trixie '["sh"]' --variant=extract --include=qemu-user \
    --dpkgopt='path-exclude=/usr/bin/*' --dpkgopt='path-include=/usr/bin/qemu-aarch64' \
    --dpkgopt='path-exclude=/usr/share/*'
}

# Unpacked only: a program that reads what is attached to images. It needs no more than a C library.
make_readers() {
  import_debian "pycds-test/$1" sid '["cosign"]' --variant=extract --include=cosign \
    --dpkgopt='path-exclude=/usr/share/*' "$SID_OPTION"
}

make_nopython() {
  # shellcheck disable=SC2016 # expanded by mmdebstrap's shell
  import_debian pycds-test/nopython trixie '["sh"]' --variant=extract --include=busybox-static \
    --dpkgopt='path-exclude=/usr/share/*' \
    --extract-hook='ln -sf usr/bin "$1/bin"; for c in sh cat echo env false id ls sleep true; do ln -sf busybox "$1/usr/bin/$c"; done'
}

# import_without IMAGE BASE PATTERN...: the files of another base image, as one layer, without those that match.
import_without() {
  local image=pycds-test/$1 base=pycds-test/$2 recipe container
  shift 2
  make_base "${base#pycds-test/}"
  recipe=$(digest "$(recipe_of "$base")" without "$@")
  up_to_date "$image" "$recipe" && return 0
  say "importing $image"
  container=$(docker create --label io.pycds.test=base-image "$base" true)
  # shellcheck disable=SC2064 # the name as it is now
  trap "docker rm -f $container >/dev/null" EXIT
  docker export "$container" | tar --delete --wildcards -f - "$@" |
    replace_image "$image" docker import -c "LABEL $RECIPE_LABEL=$recipe" -c 'CMD ["python3"]' -c "$IMAGE_ENV" - "$image"
  docker rm -f "$container" >/dev/null
  trap - EXIT
}

# Official Python images remove bytecode to save space, and some installers never write it.
make_nopyc() { import_without "$1-nopyc" "$1" '*.pyc'; }

# For tests that are about something else than what is in an image: the engine copies and hashes less than half.
make_small() {
  local packages=usr/lib/python3/dist-packages
  import_without small bookworm "$packages"/{"pip*","numpy/*/tests","botocore/data/*/*"} \
    'usr/lib/*/perl*' 'usr/lib/*/gconv' 'usr/share/*' 'usr/bin/perl*' 'var/cache/*' 'var/lib/*' 'usr/sbin/*' \
    usr/lib/{apt,dpkg,mime,udev}
}

# For tests that unpack it many times.
make_minimal() {
  local image=pycds-test/minimal base=pycds-test/bookworm library=usr/lib/python3.11 recipe container work
  local paths=(bin lib lib64 sbin etc/{passwd,group,ssl} tmp usr/bin/{python3,python3.11,dash,sh,env} usr/local/lib/python3.11 "$library/*" \
    'usr/lib/*/'{ld-linux-*,libc.so,libm.so,libz.so,libexpat.so,libssl.so,libcrypto.so,libffi.so,libbz2.so,liblzma.so,libuuid.so}'*' usr/lib64)
  local without=("$library"/{test,pydoc_data,lib2to3,distutils,ensurepip,venv,dist-packages,sqlite3,'config-*'})
  local cmd='["python3", "-c", "import asyncio, email.message, http.client, json, logging, unittest.mock"]'
  make_base bookworm
  recipe=$(digest "$(recipe_of "$base")" only 755 "${paths[@]}" "${without[@]}" "$cmd")
  up_to_date "$image" "$recipe" && return 0
  say "importing $image"
  container=$(docker create --label io.pycds.test=base-image "$base" true)
  work=$(mktemp -d)
  # shellcheck disable=SC2064 # the names as they are now
  trap "docker rm -f $container >/dev/null; rm -rf '$work'" EXIT
  chmod 755 "$work"
  docker export "$container" | tar -x --wildcards -C "$work" -f - "${without[@]/#/--exclude=}" "${paths[@]}"
  tar -C "$work" --sort=name -cf - . |
    replace_image "$image" docker import -c "LABEL $RECIPE_LABEL=$recipe" -c "CMD $cmd" -c "$IMAGE_ENV" - "$image"
  docker rm -f "$container" >/dev/null
  rm -rf "$work"
  trap - EXIT
}

# --- A CPython with a shared libpython, copied over trixie ------------------------------------------

# find_shared_python MINOR: the prefix of an installed CPython 3.MINOR that was built with --enable-shared.
find_shared_python() {
  local prefix
  for prefix in "${PYENV_ROOT:-${HOME:-/root}/.pyenv}/versions/3.$1".* /usr/local /opt/python/3."$1"*; do
    [ -e "$prefix/lib/libpython3.$1.so.1.0" ] && [ -x "$prefix/bin/python3.$1" ] && printf '%s\n' "$prefix" && return 0
  done
  return 1
}

# make_copied IMAGE MINOR BASE
make_copied() {
  local image=pycds-test/$1 minor=$2 base=$3 prefix version recipe work
  prefix=$(find_shared_python "$minor") ||
    skip "no CPython 3.$minor built with --enable-shared was found, so $image cannot be made" \
      "One way to get it: PYTHON_CONFIGURE_OPTS=--enable-shared pyenv install 3.$minor"
  make_base "$base"
  version=$(LD_LIBRARY_PATH=$prefix/lib "$prefix/bin/python3.$minor" -c 'import platform; print(platform.python_version())')
  recipe=$(digest "$(recipe_of "pycds-test/$base")" "$version" "$(sha256sum <"$prefix/lib/libpython3.$minor.so.1.0")" \
    "$(cat "$ROOT/dockerfiles/copied-python/Dockerfile")")
  up_to_date "$image" "$recipe" && return 0
  say "building $image from CPython $version in $prefix"
  work=$(mktemp -d)
  # shellcheck disable=SC2064 # the name as it is now
  trap "rm -rf '$work'" EXIT
  cp "$ROOT/dockerfiles/copied-python/Dockerfile" "$work/"
  # As in official images: no symbols but the dynamic ones. The build-id stays.
  cp "$prefix/lib/libpython3.$minor.so.1.0" "$work/"
  if have strip; then strip --strip-all "$work/libpython3.$minor.so.1.0"; fi
  # Test suites, Tk, headers and pip (whose scripts name the old prefix) are not needed to run anything.
  tar -C "$prefix" -cf "$work/python.tar" --owner=0 --group=0 --exclude='__pycache__' --exclude='*.a' \
    --exclude="lib/python3.$minor/test" --exclude="lib/python3.$minor/*/tests" --exclude="lib/python3.$minor/*/test" \
    --exclude="lib/python3.$minor/idlelib" --exclude="lib/python3.$minor/tkinter" --exclude='_tkinter*.so' \
    --exclude="lib/python3.$minor/turtledemo" --exclude="lib/python3.$minor/ensurepip" \
    --exclude="lib/python3.$minor/config-*" --exclude="lib/python3.$minor/site-packages/*" \
    "bin/python3.$minor" "lib/python3.$minor" -C "$work" --transform='s|^libpython|lib/libpython|' "libpython3.$minor.so.1.0"
  replace_image "$image" build_image --build-arg BASE="pycds-test/$base" --build-arg MINOR="$minor" --label "$RECIPE_LABEL=$recipe" -t "$image" "$work"
  rm -rf "$work"
  trap - EXIT
}

# --- What the benchmark imports ---------------------------------------------------------------------

# make_pypi IMAGE BASE MINOR: the base and packages from PyPI, each with its dependencies in a directory of
# its own, so that they never stand in for Debian's.
make_pypi() {
  local image=pycds-test/$1 base=$2 minor=$3 recipe work requirement
  make_base "$base"
  recipe=$(digest "$(recipe_of "pycds-test/$base")" "$minor" "${BENCH_PYPI[@]}")
  up_to_date "$image" "$recipe" && return 0
  work=$(mktemp -d)
  # shellcheck disable=SC2064 # the name as it is now
  trap "rm -rf '$work'" EXIT
  for requirement in "${BENCH_PYPI[@]}"; do
    say "asking PyPI for $requirement"
    python3 -m pip install --quiet --no-compile --only-binary=:all: --implementation cp --python-version "3.$minor" \
      --platform manylinux_2_17_x86_64 --platform manylinux2014_x86_64 \
      --target "$work/pypi/${requirement%%==*}" "$requirement" >&2 || {
      warn "$requirement cannot be had from PyPI here: $image goes without it"
      rm -rf "$work/pypi/${requirement%%==*}"
      # Not the whole recipe: the next call tries again.
      recipe=incomplete
    }
  done
  mkdir -p "$work/pypi"
  printf 'FROM pycds-test/%s\nCOPY pypi /opt/pypi\nRUN python3 -m compileall -q /opt/pypi || true\n' "$base" >"$work/Dockerfile"
  replace_image "$image" build_image --network none --label "$RECIPE_LABEL=$recipe" -t "$image" "$work"
  rm -rf "$work"
  trap - EXIT
}

# make_compiled IMAGE BASE MINOR: the base with bytecode for a Python that is not Debian's default one.
make_compiled() {
  local image=pycds-test/$1 base=$2 minor=$3 recipe work
  make_base "$base"
  recipe=$(digest "$(recipe_of "pycds-test/$base")" "$minor" compiled)
  up_to_date "$image" "$recipe" && return 0
  work=$(mktemp -d)
  # shellcheck disable=SC2064 # the name as it is now
  trap "rm -rf '$work'" EXIT
  # Some packages hold files of other versions, which do not compile.
  printf 'FROM pycds-test/%s\nRUN python3.%s -m compileall -q /usr/lib/python3.%s /usr/lib/python3/dist-packages >/dev/null || true\n' \
    "$base" "$minor" "$minor" >"$work/Dockerfile"
  replace_image "$image" build_image --network none --label "$RECIPE_LABEL=$recipe" -t "$image" "$work"
  rm -rf "$work"
  trap - EXIT
}

make_base() {
  case $1 in
    bullseye | bookworm | trixie) make_debian "$1" "$1" --include="$DEBIAN_PACKAGES" ;;
    sid) make_debian sid sid --include="$SID_PACKAGES" "$SID_OPTION" ;;
    torch) make_debian torch bookworm --include="$TORCH_PACKAGES" ;;
    servers) make_debian servers bookworm --include="$SERVER_PACKAGES" ;;
    sid-arm64) make_arm64 "$1" ;;
    emulator) make_emulator "$1" ;;
    readers) make_readers "$1" ;;
    engines) make_debian engines sid --include="$ENGINE_PACKAGES" "$SID_OPTION" ;;
    *-nopyc) make_nopyc "${1%-nopyc}" ;;
    shared) make_copied shared 13 trixie ;;
    py38) make_copied py38 8 trixie ;;
    bench-debian-bookworm | bench-debian-trixie) make_debian "$1" "${1##*-}" --include="$BENCH_PACKAGES" ;;
    bench-debian-sid) make_debian "$1" sid --include="$BENCH_PACKAGES,python3.15" "$SID_OPTION" ;;
    bench-sid) make_compiled "$1" bench-debian-sid 15 ;;
    bench-debian-trixie-native) make_debian "$1" trixie --include="$BENCH_NATIVE_PACKAGES" ;;
    bench-bookworm-native) make_debian "$1" bookworm --include="$BENCH_NATIVE_PACKAGES" ;;
    bench-copied) make_copied "$1" 13 bench-debian-trixie ;;
    bench-shared-native) make_copied "$1" 13 bench-debian-trixie-native ;;
    bench-bookworm) make_pypi "$1" bench-debian-bookworm 11 ;;
    bench-shared) make_pypi "$1" bench-copied 13 ;;
    nopython) make_nopython ;;
    small) make_small ;;
    minimal) make_minimal ;;
    *) die "unknown base image $1" "One of: ${NAMES[*]} ${LARGE_NAMES[*]} ${BENCH_NAMES[*]}" ;;
  esac
}

main() {
  local name names=()
  for name in "$@"; do
    case $name in
      --list)
        if [ "${2-}" = --large ]; then printf '%s\n' "${LARGE_NAMES[@]}"
        else printf '%s\n' "${NAMES[@]}"; fi
        return 0
        ;;
      --force) FORCE=yes ;;
      --root) ROOTS=$(cache_dir)/roots ;;
      *) names+=("$name") ;;
    esac
  done
  [ ${#names[@]} -gt 0 ] || die "which image?" "usage: scripts/base-image.sh [--force] NAME... (one of: ${NAMES[*]} ${LARGE_NAMES[*]} ${BENCH_NAMES[*]})"
  [ -n "$ROOTS" ] || need_engine
  one_at_a_time base-image
  for name in "${names[@]}"; do
    make_base "$name"
    if [ -n "$ROOTS" ]; then printf '%s\n' "$ROOTS/$name"
    else printf 'pycds-test/%s\n' "$name"; fi
  done
}

main "$@"
