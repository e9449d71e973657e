#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Makes the image of the BuildKit frontend, and prints its reference.
#
#   scripts/frontend-image.sh [NAME]                    default: pycds/frontend:latest
#   scripts/frontend-image.sh --context DIR PLATFORM...  only the directory that it is built from, made anew, for
#                                                        linux/amd64, linux/arm64 or both; prints it

# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

# make_context DIR PLATFORM...: what the image of each platform holds, in a directory of its processor's name.
make_context() {
  local directory=$1 platform
  shift
  for platform in "$@"; do
    mkdir -p "$directory/${platform#linux/}"
    "$ROOT/scripts/tool-image.sh" --root "$directory/${platform#linux/}/tool" "$platform"
  done
  cp "$ROOT/dockerfiles/frontend/Dockerfile" "$directory/"
}

main() {
  local root platform recipe name=${1:-pycds/frontend:latest}
  if [ "$name" = --context ]; then
    [ $# -gt 2 ] || die "which directory, and which platforms?" "scripts/frontend-image.sh --context DIR linux/arm64"
    shift
    make_context "$@"
    printf '%s\n' "$1"
    return 0
  fi
  need_engine
  platform=$(machine_platform)
  one_at_a_time frontend-image
  recipe=$(cd "$ROOT" && digest_files dist prebuilds package.json native/static/start_node.c dockerfiles/frontend scripts/{tool,frontend}-image.sh)
  if up_to_date "$name" "$recipe"; then
    printf '%s\n' "$name"
    return 0
  fi
  root=$(mktemp -d)
  # shellcheck disable=SC2064 # the name as it is now
  trap "rm -rf '$root'" EXIT
  make_context "$root" "$platform"
  say "building $name"
  # BuildKit sets the argument itself, the classic builder does not.
  build_image --build-arg "TARGETARCH=${platform#linux/}" --label "$RECIPE_LABEL=$recipe" --tag "$name" "$root"
  printf '%s\n' "$name"
}

main "$@"
