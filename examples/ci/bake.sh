#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Bakes an image in CI, verifies the result, and leaves a report. Needs Node and, for images of an engine,
# that engine; for oci:DIR, oci-archive:FILE, docker-archive:FILE and registry:HOST/REPO none, and no privileged container
# (docs/fleet.md, "What a pod needs").
#
#   PYCDS_IMAGE         what to bake (required)
#   PYCDS_OUTPUT        name or location of the result; default: that of `pycds-image bake`
#   PYCDS_OPTIONS       further options of `bake`, one word a line
#   PYCDS_COMMAND       the command to train with, one word a line; default: the image's own
#   PYCDS_MIN_HIT_RATE  percent that `verify` asks for; default 80: three or four modules of every start are imported
#                       before any hook, so that a program of 20 modules cannot have more than 85
#   PYCDS_REPORT        folder of the report: bake.json, verify.json, summary.md, outputs.env; default pycds-report
#   PYCDS_CLI           how pycds-image is started; default: npx --yes pycds-image
#
# With --skip-unchanged among the options, an image that is there already is verified, and reported as unchanged.
# The exit code is that of the command that failed; see docs/errors.md of pycds-image.
set -eu

here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
report=${PYCDS_REPORT:-pycds-report}
cli=${PYCDS_CLI:-npx --yes pycds-image}

if [ -z "${PYCDS_IMAGE:-}" ]; then
  echo 'bake.sh: PYCDS_IMAGE is not set: it names the image to bake' >&2
  exit 2
fi
mkdir -p "$report"
rm -f "$report/verify.json"

# A line is a word, so that words may hold spaces.
words() { IFS='
'; }
split=$IFS

set -- bake "$PYCDS_IMAGE" --json --progress plain
case ${PYCDS_OUTPUT:-} in
  '') ;;
  oci:* | oci-archive:* | docker-archive:* | registry:* | docker://*) set -- "$@" --output "$PYCDS_OUTPUT" ;;
  *) set -- "$@" --tag "$PYCDS_OUTPUT" ;;
esac
words
# shellcheck disable=SC2086 # one word a line
set -- "$@" ${PYCDS_OPTIONS:-}
if [ -n "${PYCDS_COMMAND:-}" ]; then
  # shellcheck disable=SC2086
  set -- "$@" -- $PYCDS_COMMAND
fi
IFS=$split

# shellcheck disable=SC2086 # a command and its words
$cli "$@" >"$report/bake.json" || {
  code=$?
  cat "$report/bake.json" >&2
  exit "$code"
}

result=$(node "$here/report.mjs" output "$report")
code=0
# A dry run leaves nothing to verify.
if [ -n "$result" ]; then
  set -- verify "$result" --json --progress plain --min-hit-rate "${PYCDS_MIN_HIT_RATE:-80}"
  if [ -n "${PYCDS_COMMAND:-}" ]; then
    words
    # shellcheck disable=SC2086
    set -- "$@" -- $PYCDS_COMMAND
    IFS=$split
  fi
  # shellcheck disable=SC2086
  $cli "$@" >"$report/verify.json" || code=$?
fi
node "$here/report.mjs" summary "$report"
if [ -n "${GITHUB_STEP_SUMMARY:-}" ]; then cat "$report/summary.md" >>"$GITHUB_STEP_SUMMARY"; fi
if [ -n "${GITHUB_OUTPUT:-}" ]; then cat "$report/outputs.env" >>"$GITHUB_OUTPUT"; fi
exit "$code"
