#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Pushes the tool image and the image of the frontend, each as an index for both processors, and signs what was pushed.
# The builder at hand (`docker buildx`) must be logged in at the registry; signing is by the identity that cosign finds,
# as in CI, which a public log keeps, or with the file COSIGN_KEY, without that log, as for a registry of one's own. Prints
# each image with its digest, as a list for the notes.
#
#   scripts/release-images.sh REGISTRY VERSION       as in: docker.io/pycds 1.2.3

# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

readonly PLATFORMS=linux/amd64,linux/arm64

# push NAME DOCKERFILE CONTEXT VERSION: gives the digest of the index.
push() {
  local name=$1 dockerfile=$2 context=$3 version=$4
  docker buildx build --platform "$PLATFORMS" --file "$dockerfile" --tag "$name:$version" --tag "$name:latest" \
    --provenance=mode=max --sbom=false --metadata-file "$context/metadata.json" --push "$context" >&2
  node -p 'JSON.parse(fs.readFileSync(process.argv[1], "utf8"))["containerimage.digest"]' "$context/metadata.json"
}

# sign REFERENCE: the index and what is in it, by digest.
sign() { cosign sign --yes --recursive ${COSIGN_KEY:+--key "$COSIGN_KEY" --tlog-upload=false} "$1" >&2; }

main() {
  local registry version context kind name digest
  [ $# -eq 2 ] || die "which registry, and which version?" "usage: scripts/release-images.sh REGISTRY VERSION"
  registry=${1%/} version=${2#v}
  have cosign || die "cosign is missing, which signs what is pushed" "See https://docs.sigstore.dev/cosign/"
  context=$(mktemp -d)
  # shellcheck disable=SC2064 # the name as it is now
  trap "rm -rf '$context'" EXIT
  # Both are built from the same directories.
  "$ROOT/scripts/frontend-image.sh" --context "$context" linux/amd64 linux/arm64 >/dev/null
  for kind in tool frontend; do
    case $kind in
      tool) name=$registry/pycds-image ;;
      frontend) name=$registry/frontend ;;
    esac
    say "pushing $name:$version"
    digest=$(push "$name" "$ROOT/dockerfiles/$kind/Dockerfile" "$context" "$version")
    sign "$name@$digest"
    # shellcheck disable=SC2016 # Markdown
    printf -- '- `%s:%s@%s`\n' "$name" "$version" "$digest"
  done
}

main "$@"
