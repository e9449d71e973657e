#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Builds an example's image and prints its reference. Does nothing where nothing has changed.
#
#   scripts/example-image.sh EXAMPLE BASE
#
# EXAMPLE is a folder of examples/. BASE is a name of scripts/base-image.sh, or any other image reference.
# The result is pycds-example/EXAMPLE:BASE; on a -nopyc base it holds no bytecode of the application either.
# Exit code 77: the base image cannot be made on this machine.

# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

main() {
  [ $# -eq 2 ] || die "which example, on which base?" "usage: scripts/example-image.sh EXAMPLE BASE"
  local example=$1 base=$2 folder=$ROOT/examples/$1 bases image from bytecode=1
  [ -f "$folder/Dockerfile" ] || die "there is no example $example" "The examples are the folders of examples/."
  need_engine
  bases=$("$ROOT/scripts/base-image.sh" --list && "$ROOT/scripts/base-image.sh" --list --large)
  if grep -Fqx -- "$base" <<<"$bases"; then
    from=$("$ROOT/scripts/base-image.sh" "$base")
  else
    from=$base
  fi
  case $base in *-nopyc) bytecode=0 ;; esac
  # What a tag may not hold becomes a dash: python:3.13-slim gives python-3.13-slim.
  image=pycds-example/$example:$(printf '%s' "$base" | tr -c 'A-Za-z0-9_.-' '-')
  # The engine's cache makes this a no-op where neither the base nor the folder has changed.
  build_image --build-arg BASE="$from" --build-arg BYTECODE="$bytecode" -t "$image" "$folder" ||
    die "the example $example could not be built on $from" "The builder's messages are above."
  printf '%s\n' "$image"
}

main "$@"
