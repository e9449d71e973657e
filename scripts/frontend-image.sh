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
  # A build waits for it each time, also when everything else is cached: one file loads in half the time of many.
  # It lies where the one that it replaces lay, because it looks for package.json from there.
  (cd "$ROOT" && npm exec --no -- esbuild dist/bin/frontend.js --bundle --minify --platform=node --format=esm \
    --banner:js='import{createRequire}from"node:module";const require=createRequire(import.meta.url);' \
    --target=node24 --log-level=warning --allow-overwrite --outfile="$1/tool/app/dist/bin/frontend.js") >&2
  touch -d '@1' "$1/tool/app/dist/bin/frontend.js" "$1/tool/app/dist/bin"
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
