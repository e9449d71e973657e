#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Sets up what is missing, then runs every check and test. The last line counts the tests; the exit code
# is not 0 when a check or a test has failed. Where no Docker Engine can be had, the tests that need one
# are skipped and counted as such.
#
#   scripts/test.sh [--tests-only]

# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

FAILED=()
LINT_OPTIONS=()
TAP=

# step TITLE COMMAND...: goes on after a failure, so that one run shows all of them.
step() {
  local title=$1
  shift
  say "$title"
  "$@" || FAILED+=("$title")
}

run_checks() {
  step "lint: TypeScript" npm run --silent lint:ts -- "${LINT_OPTIONS[@]}"
  # Its absence is no reason to install a compiler suite.
  if have clang-format; then step "lint: C" npm run --silent lint:native
  else warn "clang-format is not installed; the format of the C sources is not checked"; fi
  step "types" npm run --silent check:ts
  step "schemas" npm run --silent gen:schemas -- --check
}

run_ava() { npx --no -- ava --tap "$@" </dev/null | tee -a "$TAP"; }

prepare_engine() {
  # In a subshell: a machine without an engine can still run the other tests.
  if ! (need_engine); then
    warn "no Docker Engine: the tests that need one are skipped"
    return 0
  fi
  # The userland of the tiny images that tests make.
  if [ ! -x /bin/busybox ] && can_install; then apt_install busybox-static; fi
  export PYCDS_TEST_REQUIRE=${PYCDS_TEST_REQUIRE:-docker}
  local name code
  for name in $("$ROOT/scripts/base-image.sh" --list); do
    code=0
    "$ROOT/scripts/base-image.sh" "$name" >/dev/null || code=$?
    case $code in
      0) ;;
      "$EXIT_SKIP") warn "the tests that need the base image $name are skipped" ;;
      *) FAILED+=("base image $name") ;;
    esac
  done
}

# Other engines, runtimes and readers of images than the one at hand; tests skip what is not there, by name.
prepare_other_tools() {
  can_install || return 0
  (apt_install bubblewrap crun docker-registry podman skopeo slirp4netns uidmap umoci) || return 0
  # Podman without root: a user who may use ids that nobody else has.
  id pycds-test >/dev/null 2>&1 ||
    useradd --system --home-dir /var/lib/pycds-test --create-home --shell /usr/sbin/nologin pycds-test
  grep -q '^pycds-test:' /etc/subuid 2>/dev/null ||
    usermod --add-subuids 700000-765535 --add-subgids 700000-765535 pycds-test
}

# Engines beside the one at hand. They are stopped at the end.
prepare_side_engines() {
  local name
  is_root && may_change_machine || return 0
  for name in $("$ROOT/scripts/side-engine.sh" --list); do
    "$ROOT/scripts/side-engine.sh" "$name" >/dev/null || warn "the tests on $name are skipped"
  done
}

stop_side_engines() {
  local name
  is_root && may_change_machine || return 0
  for name in $("$ROOT/scripts/side-engine.sh" --list); do "$ROOT/scripts/side-engine.sh" --stop "$name" || true; done
}

# Interpreters beside those of this machine, and compilers and an emulator for aarch64.
prepare_interpreters() {
  local name code
  if can_install; then (apt_install gcc-aarch64-linux-gnu g++-aarch64-linux-gnu libc6-dev-arm64-cross) || true; fi
  for name in bullseye sid sid-arm64 emulator; do
    code=0
    "$ROOT/scripts/base-image.sh" --root "$name" >/dev/null || code=$?
    [ "$code" -eq 0 ] || warn "the tests that need $name are skipped"
  done
}

# count REGEX: lines of the TAP stream. Subtests are indented and do not count.
count() { grep -cE "$1" "$TAP" || true; }

summary() {
  local skipped failed ok
  skipped=$(count '^(not )?ok .* # (SKIP|TODO)')
  failed=$(($(count '^not ok ') - $(count '^not ok .* # (SKIP|TODO)')))
  ok=$(($(count '^ok ') - $(count '^ok .* # (SKIP|TODO)')))
  printf '\n'
  if [ "$skipped" -gt 0 ]; then
    printf 'skipped:\n'
    grep -E '^(not )?ok .* # (SKIP|TODO)' "$TAP" | sed -E 's/^(not )?ok [0-9]+ - /  /'
  fi
  if [ "$failed" -gt 0 ]; then
    printf 'failed tests:\n'
    grep -E '^not ok ' "$TAP" | grep -vE ' # (SKIP|TODO)' | sed -E 's/^not ok [0-9]+ - /  /'
  fi
  [ ${#FAILED[@]} -eq 0 ] || printf 'failed step: %s\n' "${FAILED[@]}"
  printf '%s passed, %s failed, %s skipped\n' "$ok" "$failed" "$skipped"
  [ ${#FAILED[@]} -eq 0 ] && [ "$failed" -eq 0 ] && [ "$ok" -gt 0 ]
}

main() {
  local checks=yes
  [ "${1:-}" != --tests-only ] || checks=
  cd "$ROOT"
  # In CI, biome colours whatever it writes to.
  if [ ! -t 1 ]; then
    export NO_COLOR=1
    LINT_OPTIONS=(--colors=off)
  fi
  prepare_interpreters
  prepare_other_tools
  need_packages
  prepare_engine
  TAP=$(mktemp)
  trap 'rm -f "$TAP"; stop_side_engines' EXIT
  prepare_side_engines
  [ -z "$checks" ] || run_checks
  step "tests that need no engine" run_ava
  if compgen -G 'test/integration/*.ts' >/dev/null; then
    step "tests with a container engine" run_ava --config ava.integration.config.js
  fi
  summary
}

main "$@"
