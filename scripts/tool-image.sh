#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Makes the tool image that a RUN instruction mounts, and prints its reference.
#
#   scripts/tool-image.sh [NAME]          default: pycds-image:latest
#   scripts/tool-image.sh --root DIR      only its root file system, into a directory that is made anew
#
# It carries its own Node and its own C library, so that it runs in any image. The libraries are those of
# this machine, whose C library must be glibc 2.28 or newer; Node comes from npm, which checks its digest.

# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

# The newest LTS release; npm has each as the package node-linux-ARCH.
readonly NODE_VERSION=24.21.0

machine_arch() { uname -m | sed -e s/x86_64/x64/ -e s/aarch64/arm64/; }

# node_binary: the path of the Node for the image; downloaded once.
node_binary() {
  local arch dir
  arch=$(machine_arch)
  dir=$(cache_dir)/node-linux-$arch-$NODE_VERSION
  if [ ! -x "$dir/bin/node" ]; then
    say "downloading Node $NODE_VERSION with npm"
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

# libraries FILE: the shared libraries that it needs, and theirs, by path.
libraries() { ldd "$1" | sed -n 's/.*=> \(\/[^ ]*\) .*/\1/p'; }

loader_of() { ldd "$1" | sed -n 's/^\t\(\/[^ ]*ld-[^ ]*\) .*/\1/p'; }

# production_packages: the installed npm packages that the program needs, relative to the root.
production_packages() {
  (cd "$ROOT" && npm ls --silent --omit=dev --all --parseable || true) |
    sed -n "s|^$ROOT/\(node_modules/.*\)|\1|p" | sort -u
}

# make_root DIR: laid out so that the same input gives the same files.
make_root() {
  local root=$1 node file package
  node=$(node_binary)
  rm -rf "$root"
  mkdir -p "$root/bin" "$root/lib" "$root/app"
  "${CC:-cc}" -std=c11 -Os -Wall -Wextra -static -s -o "$root/pycds-image" "$ROOT/native/launcher/launcher.c"
  cp "$node" "$root/bin/node"
  cp "$(dirname "$node")/../LICENSE" "$root/bin/LICENSE"
  for file in $(libraries "$node"); do cp -L "$file" "$root/lib/"; done
  cp -L "$(loader_of "$node")" "$root/lib/ld.so"
  cp -r "$ROOT/dist" "$ROOT/prebuilds" "$ROOT/package.json" "$ROOT/LICENSE" "$root/app/"
  for package in $(production_packages); do
    case $package in */@types/*) continue ;; esac
    mkdir -p "$root/app/$package"
    # Packages inside it have lines of their own.
    tar -C "$ROOT/$package" -cf - --exclude=./node_modules --exclude='*.map' --exclude='*.d.ts' --exclude='*.md' . |
      tar -C "$root/app/$package" -xf -
  done
  chmod -R u=rwX,go=rX "$root"
  find "$root" -exec touch -h -d '@1' {} +
}

main() {
  local root name=${1:-pycds-image:latest}
  # Tests use what was built for them.
  if may_change_machine; then need_packages; fi
  need_compiler
  if [ "$name" = --root ]; then
    make_root "${2:?which directory?}"
    return 0
  fi
  need_engine
  root=$(mktemp -d)
  # shellcheck disable=SC2064 # the name as it is now
  trap "rm -rf '$root'" EXIT
  make_root "$root/tool"
  say "building $name"
  build_image --file "$ROOT/dockerfiles/tool/Dockerfile" --tag "$name" "$root/tool"
  printf '%s\n' "$name"
}

main "$@"
