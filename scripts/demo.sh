#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Sets up what is missing, bakes the Flask example and ends with how it starts before and after.
#
#   scripts/demo.sh [BASE...]
#
# BASE is a name of scripts/base-image.sh or an image reference. Default: python:3.13-slim where a registry
# is reachable, else Debian's Python, once as Debian installs it and once without bytecode files.

# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

main() {
  local base image result results=() bases=("$@")
  need_packages
  need_engine
  if [ ${#bases[@]} -eq 0 ]; then
    if hub_image python:3.13-slim; then bases=(python:3.13-slim)
    else
      say "no registry is reachable; making Debian base images here"
      bases=(bookworm bookworm-nopyc)
    fi
  fi
  cd "$ROOT"
  for base in "${bases[@]}"; do
    image=$("$ROOT/scripts/example-image.sh" 01-flask-service "$base")
    say "npx pycds-image bake $image"
    result=$(npx --no -- pycds-image bake "$image")
    results+=("$result")
  done
  printf '\n%s\n' "${results[@]}"
}

main "$@"
