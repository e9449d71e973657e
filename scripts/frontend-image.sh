#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Makes the image of the BuildKit frontend, and prints its reference.
#
#   scripts/frontend-image.sh [NAME]       default: pycds/frontend:latest
#   scripts/frontend-image.sh --root DIR   only the directory that it is built from, made anew

# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

make_context() {
  mkdir -p "$1"
  "$ROOT/scripts/tool-image.sh" --root "$1/tool"
  cp "$ROOT/dockerfiles/frontend/Dockerfile" "$1/"
}

main() {
  local root name=${1:-pycds/frontend:latest}
  if [ "$name" = --root ]; then
    make_context "${2:?which directory?}"
    return 0
  fi
  need_engine
  root=$(mktemp -d)
  # shellcheck disable=SC2064 # the name as it is now
  trap "rm -rf '$root'" EXIT
  make_context "$root"
  say "building $name"
  build_image --tag "$name" "$root"
  printf '%s\n' "$name"
}

main "$@"
