#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Makes the package that is published, for every machine that it is for, on one with an x86-64 processor, and prints the
# path of its tarball.
#
#   scripts/package.sh [DIR]        default: build/release
#
# Its addons are made with `zig cc`, which brings the C libraries of all of them: glibc as old as Node itself asks for,
# and musl. A checkout needs none of this: `npm run build` makes the addon for its own machine.

# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

readonly ZIG_VERSION=0.17.1
# Of the wheel for x86-64.
readonly ZIG_SHA256=ea6cc5d87b033cf0aedfbc8f9549a908cae6c50ac31f1698188fa48a74524b54
# That of Debian 10 and RHEL 8, the oldest that the oldest supported Node starts on.
readonly GLIBC=2.28

# zig_program: the path of the compiler; downloaded once.
zig_program() {
  local dir
  dir=$(cache_dir)/zig-$ZIG_VERSION
  # Called in a shell of its own, whose end gives the lock back.
  one_at_a_time zig
  if [ ! -x "$dir/ziglang/zig" ]; then
    have python3 || die "python3 with pip is missing, which downloads the compiler" "Debian, Ubuntu: apt-get install python3-pip"
    say "downloading zig $ZIG_VERSION with pip"
    rm -rf "$dir.part"
    mkdir -p "$dir.part"
    printf 'ziglang==%s --hash=sha256:%s\n' "$ZIG_VERSION" "$ZIG_SHA256" >"$dir.part/requirements"
    python3 -m pip download --quiet --disable-pip-version-check --no-deps --require-hashes --only-binary=:all: \
      --platform manylinux_2_12_x86_64 --dest "$dir.part" -r "$dir.part/requirements" >&2 ||
      skip "zig $ZIG_VERSION could not be downloaded" "Is PyPI, or a mirror that pip knows, reachable?"
    python3 -m zipfile -e "$dir.part"/*.whl "$dir.part"
    chmod +x "$dir.part/ziglang/zig"
    rm -rf "$dir" "$dir.part"/*.whl
    mv "$dir.part" "$dir"
  fi
  printf '%s\n' "$dir/ziglang/zig"
}

# make_addon ZIG ARCH LIBC: into the place where the program looks for it.
make_addon() {
  local zig=$1 arch=$2 libc=$3 cpu out
  cpu=$(printf '%s' "$arch" | sed -e s/x64/x86_64/ -e s/arm64/aarch64/)
  out=../prebuilds/linux-$arch
  case $libc in musl) out+=-musl ;; esac
  say "building the addon for $arch with $libc"
  # What `npm run build` made there is another one.
  rm -f "$ROOT/native/$out/pycds.node"
  make --silent -C "$ROOT/native" ARCH="$arch" BUILD="build/zig-$arch-$libc" OUT="$out" \
    CC="$zig cc -target $cpu-linux-$libc" CXX="$zig c++ -target $cpu-linux-$libc" "$out/pycds.node" >&2
}

main() {
  local zig arch directory=${1:-$ROOT/build/release}
  [ "$(machine_platform)" = linux/amd64 ] || skip "the package is made on x86-64 only" "Elsewhere use \`npm pack\` for a package of this machine."
  if may_change_machine; then
    # The parts that go into arm64 images.
    if can_install; then apt_install gcc-aarch64-linux-gnu libc6-dev-arm64-cross; fi
    need_packages
  fi
  say "bundling"
  (cd "$ROOT" && npm run --silent build:ts >&2)
  have aarch64-linux-gnu-gcc || skip "a compiler for arm64 is missing" "Debian, Ubuntu: apt-get install gcc-aarch64-linux-gnu"
  zig=$(zig_program)
  ZIG_GLOBAL_CACHE_DIR=$(cache_dir)/zig-cache
  export ZIG_GLOBAL_CACHE_DIR ZIG_LOCAL_CACHE_DIR=$ZIG_GLOBAL_CACHE_DIR
  # That of an entrypoint is static.
  rm -rf "$ROOT/native/build/x64/launch"
  make --silent -C "$ROOT/native" LAUNCH_CC="$zig cc -target x86_64-linux-musl" LAUNCH_BASE=-Wl,--image-base injected other >&2
  # What `npm run build` made of it, where it could, is of another compiler.
  rm -rf "$ROOT/native/build/wasm" "$ROOT/prebuilds/wasm"
  say "building WebAssembly"
  make --silent -C "$ROOT/native" WASM_CC="$zig cc -target wasm32-wasi" wasm >&2
  for arch in x64 arm64; do
    make_addon "$zig" "$arch" "gnu.$GLIBC"
    make_addon "$zig" "$arch" musl
  done
  rm -rf "$directory"
  mkdir -p "$directory"
  say "packing"
  (cd "$ROOT" && npm pack --silent --ignore-scripts --pack-destination "$directory" >&2)
  node "$ROOT/scripts/check-package.mjs" "$directory"/*.tgz >&2
  printf '%s\n' "$directory"/*.tgz
}

main "$@"
