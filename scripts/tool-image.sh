#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Makes the tool image that a RUN instruction mounts, and prints its reference.
#
#   scripts/tool-image.sh [NAME]                default: pycds/pycds-image:latest, and pycds-image:latest for short
#   scripts/tool-image.sh --root DIR [PLATFORM]  only its root file system, into a directory that is made anew;
#                                                for linux/amd64 or linux/arm64, default: that of this machine
#
# It carries its own Node and its own C library, so that it runs in any image. The libraries are those of
# this machine, or of its compiler for the other processor, whose C library must be glibc 2.28 or newer; Node
# comes from npm, which checks its digest.

# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

# The newest LTS release; npm has each as the package node-linux-ARCH.
readonly NODE_VERSION=24.21.0
# For Dockerfiles that are built on this machine only.
readonly SHORT_NAME=pycds-image:latest

# arch_of PLATFORM: as Node names it.
arch_of() {
  case $1 in
    linux/amd64) printf 'x64\n' ;;
    linux/arm64) printf 'arm64\n' ;;
    *) die "there is no tool image for $1" "One of: linux/amd64, linux/arm64" ;;
  esac
}

# triplet ARCH: what the names of its compilers begin with, and those of its directories.
triplet() {
  case $1 in
    x64) printf 'x86_64-linux-gnu\n' ;;
    arm64) printf 'aarch64-linux-gnu\n' ;;
  esac
}

# need_native ARCH: a compiler, and the native parts where they are for another processor than this machine's.
need_native() {
  local gxx package
  need_compiler
  ! is_native "$1" || return 0
  gxx=$(triplet "$1")-g++
  package=g++-$(triplet "$1" | sed s/_/-/)
  if ! have "$gxx" && can_install; then apt_install "$package"; fi
  have "$gxx" || skip "a compiler for $1 is missing" "Debian, Ubuntu: apt-get install $package"
  make --silent -C "$ROOT/native" ARCH="$1" tool >&2
}

is_native() { [ "$1" = "$(arch_of "$(machine_platform)")" ]; }

compiler() { if is_native "$1"; then printf '%s\n' "${CC:-cc}"; else printf '%s-gcc\n' "$(triplet "$1")"; fi; }

# node_binary ARCH: the path of the Node for the image; downloaded once.
node_binary() {
  local arch=$1 dir
  dir=$(cache_dir)/node-linux-$arch-$NODE_VERSION
  # Called in a shell of its own, whose end gives the lock back.
  one_at_a_time node
  if [ ! -x "$dir/bin/node" ]; then
    say "downloading Node $NODE_VERSION for $arch with npm"
    rm -rf "$dir.part"
    mkdir -p "$dir.part"
    (cd "$dir.part" && npm pack --silent "node-linux-$arch@$NODE_VERSION" >/dev/null &&
      tar -xzf ./*.tgz --strip-components=1 package/bin/node package/LICENSE && rm -f ./*.tgz) ||
      skip "Node $NODE_VERSION could not be downloaded" "Is an npm registry reachable?"
    rm -rf "$dir"
    mv "$dir.part" "$dir"
  fi
  printf '%s\n' "$dir/bin/node"
}

# copy_libraries ARCH FILE DIR: the shared libraries that the file needs, and theirs; the loader as ld.so. They are
# where the compiler finds them, since a program for another processor cannot be asked.
copy_libraries() {
  local needed name path to cc
  cc=$(compiler "$1")
  needed=$(readelf -d "$2" | sed -n 's/.*(NEEDED).*\[\(.*\)\]/\1/p')
  for name in $needed; do
    case $name in ld-linux*) to=$3/ld.so ;; *) to=$3/$name ;; esac
    [ ! -e "$to" ] || continue
    path=$("$cc" -print-file-name="$name")
    # The compiler repeats the name of what it does not find.
    [ "$path" != "$name" ] || skip "$name for $1 is missing, which Node needs" "Debian, Ubuntu: it comes with g++."
    cp -L "$path" "$to"
    copy_libraries "$1" "$path" "$3"
  done
}

# make_root ARCH DIR: laid out so that the same input gives the same files.
make_root() {
  local arch=$1 root=$2 node
  node=$(node_binary "$arch")
  rm -rf "$root"
  mkdir -p "$root/bin" "$root/lib" "$root/app"
  "$(compiler "$arch")" -std=c11 -Os -Wall -Wextra -static -s -o "$root/pycds-image" "$ROOT/native/static/start_node.c"
  cp "$node" "$root/bin/node"
  cp "$(dirname "$node")/../LICENSE" "$root/bin/LICENSE"
  copy_libraries "$arch" "$node" "$root/lib"
  cp -r "$ROOT/dist" "$ROOT/prebuilds" "$ROOT/package.json" "$ROOT/oclif.manifest.json" "$ROOT/LICENSE" "$root/app/"
  # What goes into images is kept for all processors, what Node loads for one.
  find "$root/app/prebuilds" -name pycds.node ! -path "*/linux-$arch/*" -delete
  find "$root/app/prebuilds" -type d -empty -delete
  chmod -R u=rwX,go=rX "$root"
  find "$root" -exec touch -h -d '@1' {} +
}

# tool_recipe: all that goes into the image.
tool_recipe() {
  cd "$ROOT"
  digest "$NODE_VERSION" "$(digest_files dist prebuilds package.json native/static/start_node.c dockerfiles/tool scripts/tool-image.sh)"
}

main() {
  local arch root recipe processor name=${1:-pycds/pycds-image:latest}
  # Tests use what was built for them.
  if may_change_machine; then need_packages; fi
  arch=$(arch_of "${3:-$(machine_platform)}")
  if [ "$name" = --root ]; then
    need_native "$arch"
    make_root "$arch" "${2:?which directory?}"
    return 0
  fi
  need_engine
  one_at_a_time tool-image
  recipe=$(tool_recipe)
  if up_to_date "$name" "$recipe"; then
    announce "$name" "$#"
    return 0
  fi
  need_native "$arch"
  processor=$(machine_platform)
  processor=${processor#linux/}
  root=$(mktemp -d)
  # shellcheck disable=SC2064 # the name as it is now
  trap "rm -rf '$root'" EXIT
  make_root "$arch" "$root/$processor/tool"
  say "building $name"
  # BuildKit sets the argument itself, the classic builder does not.
  build_image --build-arg "TARGETARCH=$processor" --file "$ROOT/dockerfiles/tool/Dockerfile" --label "$RECIPE_LABEL=$recipe" \
    --tag "$name" "$root"
  announce "$name" "$#"
}

# announce NAME COUNT: prints the name; where none was asked for (a count of 0) the image gets its short one, too.
announce() {
  [ "$2" -gt 0 ] || docker tag "$1" "$SHORT_NAME"
  printf '%s\n' "$1"
}

main "$@"
