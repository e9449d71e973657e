#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Makes the files of a release, and prints their paths: the package, its SBOM, the notes, and the checksums.
#
#   scripts/release-files.sh VERSION [DIR [CHANGELOG]]        default: build/release, CHANGELOG.md
#
# Another changelog is for trials, before the version has its date.

# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

main() {
  local directory=${2:-$ROOT/build/release} notes
  [ $# -ge 1 ] || die "which version?" "usage: scripts/release-files.sh VERSION [DIR [CHANGELOG]]"
  # First, since it is what a release is most likely to lack.
  notes=$(node "$ROOT/scripts/release-notes.mjs" "$1" ${3:+"$3"})
  "$ROOT/scripts/package.sh" "$directory" >/dev/null
  printf '%s\n' "$notes" >"$directory/NOTES.md"
  node "$ROOT/scripts/sbom.mjs" >"$directory/sbom.cdx.json"
  (cd "$directory" && sha256sum -- *.tgz sbom.cdx.json >SHA256SUMS)
  printf '%s\n' "$directory"/*
}

main "$@"
