#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Sets up what is missing, then runs every check and test. The last line says how that went; the exit code
# is not 0 when a check or a test has failed. Where no Docker Engine can be had, the tests that need one
# are skipped and counted as such.
#
#   scripts/test.sh [--quick | --all] [--tests-only]
#
#   --quick        within five minutes: what needs no engine, on one interpreter, and each way of baking once
#   --all          everything in full size: more interpreters, other processors, Podman without root, bulk proofs
#   --tests-only   without the checks that run no test

# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

readonly SLOWEST=10
# For the preparation of a bare machine, in seconds; it takes a quarter of that.
readonly PATIENCE=2400
# For what is running to end where the script is ended, in seconds.
readonly GRACE=10
TIER=default
CHECKS=yes
FAILED=()
# Of each phase: its seconds and its name.
PHASES=()
WORK=
# The jobs that go on, by their process.
PREPARATION=
PHASE=

# phase TITLE COMMAND...: times it. Goes on after a failure, so that one run shows all of them.
phase() {
  local title=$1 start=$SECONDS
  shift
  say "$title"
  # In a shell of its own: a script's `die` ends the phase, and the rest is still told. It is a job, which is ended as
  # a whole when this script is; that waits for no program in the foreground.
  set -m
  ("$@") </dev/null &
  PHASE=$!
  set +m
  wait "$PHASE" || FAILED+=("$title")
  PHASE=
  PHASES+=("$(printf '%5d s  %s' $((SECONDS - start)) "$title")")
}

# --- What the tests need, made while those that need none of it run -----------------------------------------

# ready NAME: told by the preparation; await NAME waits for it.
ready() { touch "$WORK/ready-$1"; }
await() {
  local end=$((SECONDS + PATIENCE))
  until [ -e "$WORK/ready-$1" ]; do
    # It has ended early: the tests say what is missing.
    kill -0 "$PREPARATION" 2>/dev/null || return 0
    if [ "$SECONDS" -ge "$end" ]; then
      warn "the preparation hangs; what it has said stands at the end"
      stop_preparation
      return 1
    fi
    sleep 0.2
  done
}

# With all that it has started: mmdebstrap, apt-get and Go would go on, and hold its locks.
stop_preparation() { stop_job "$PREPARATION"; }

# stop_job PROCESS: what does not end when it is asked to does so a little later.
stop_job() {
  [ -n "$1" ] && kill -- "-$1" 2>/dev/null || return 0
  wait_for "$GRACE" no_job "$1" || kill -KILL -- "-$1" 2>/dev/null || true
}

no_job() { ! kill -0 -- "-$1" 2>/dev/null; }

prepare() {
  prepare_roots
  ready interpreters
  prepare_engine
  prepare_images
  ready images
}

# Other engines, runtimes and readers of images than the one at hand; tests skip what is not there, by name.
prepare_tools() {
  local tools=(busybox-static clang-format fish zsh)
  can_install || return 0
  if [ "$TIER" != quick ]; then
    tools+=(bubblewrap crun docker-registry gdb libjemalloc2 podman skopeo slirp4netns strace uidmap umoci)
    # The parts for arm64 are built where there are compilers for it.
    tools+=(clang lld libclang-rt-dev-wasm32 musl-tools wasi-libc)
    tools+=(gcc-aarch64-linux-gnu g++-aarch64-linux-gnu libc6-dev-arm64-cross)
  fi
  (apt_install "${tools[@]}") || warn "some tools could not be installed: what needs them is skipped"
  [ "$TIER" = all ] || return 0
  local version
  if ! { version=$(/usr/bin/python3 -c 'import sys; print("%d.%d" % sys.version_info[:2])') &&
    (apt_install "libpython$version-testsuite"); }; then
    warn "CPython's own tests could not be installed: they are not run"
  fi
  (apt_install runsc) || warn "gVisor could not be installed: it is not tried"
  "$ROOT/scripts/snapshot-kernels.sh" --prepare || warn "virtual machines cannot be had: kernels are not tried"
  # Podman without root: a user who may use ids that nobody else has.
  id pycds-test >/dev/null 2>&1 ||
    useradd --system --home-dir /var/lib/pycds-test --create-home --shell /usr/sbin/nologin pycds-test
  grep -q '^pycds-test:' /etc/subuid 2>/dev/null ||
    usermod --add-subuids 700000-765535 --add-subgids 700000-765535 pycds-test
}

prepare_engine() { (need_engine) || warn "no Docker Engine: the tests that need one are skipped"; }

# Interpreters beside those of this machine, and an emulator for aarch64.
prepare_roots() { [ "$TIER" = quick ] || make_bases --root bullseye sid sid-arm64 emulator; }

prepare_images() {
  engine_answers || return 0
  # Bakes of an earlier run.
  docker image ls -q pycds-test-baked | sort -u | xargs -r docker image rm --force >/dev/null 2>&1 || true
  rm -rf "$(cache_dir)/baked"
  case $TIER in
    quick) make_bases '' bookworm small ;;
    *)
      # shellcheck disable=SC2046 # names
      make_bases '' $("$ROOT/scripts/base-image.sh" --list) $([ "$TIER" != all ] || "$ROOT/scripts/base-image.sh" --list --large)
      # The engines themselves are started by the first test that asks for one.
      is_root && may_change_machine || return 0
      make_bases --root engines readers
      "$ROOT/scripts/side-engine.sh" --program buildctl >/dev/null || warn "the tests with buildkitd are skipped"
      ;;
  esac
}

# make_bases OPTION NAME...
make_bases() {
  local option=$1 name code
  shift
  for name in "$@"; do
    code=0
    "$ROOT/scripts/base-image.sh" ${option:+"$option"} "$name" >/dev/null || code=$?
    case $code in
      0) ;;
      "$EXIT_SKIP") warn "the tests that need $name are skipped" ;;
      *) touch "$WORK/failed-base-$name" ;;
    esac
  done
}

# side_engines --use|--leave: those that are started stay as long as any run of tests, of whatever checkout, is not over.
side_engines() {
  is_root && may_change_machine || return 0
  "$ROOT/scripts/side-engine.sh" "$1" $$ || true
}

# --- The checks and the tests -------------------------------------------------------------------------------

run_ava() { node scripts/ava.mjs --tap "$@" | tee -a "$WORK/tap"; }

# with_engine OPTION...: tests that use the engine; where there is one, none of them may be skipped for want of it.
with_engine() {
  if engine_answers; then export PYCDS_TEST_REQUIRE=${PYCDS_TEST_REQUIRE:-docker}; fi
  run_ava "$@"
}

# CPython's own tests, the most telling of them; not where that cannot be.
run_conformance() {
  local code=0
  npm run --silent conformance -- --quick || code=$?
  [ "$code" -ne "$EXIT_SKIP" ] || { warn "CPython's own tests are not run"; return 0; }
  return "$code"
}

run_tests() {
  local files=()
  phase "tests that need nothing" run_ava test/architecture.ts 'test/unit/**/*.ts'
  phase "waiting for interpreters" await interpreters
  phase "tests with interpreters" run_ava 'test/native/**/*.ts'
  phase "waiting for images" await images
  if [ "$TIER" = quick ]; then files=(test/integration/smoke.ts); fi
  phase "tests with an engine" with_engine --config ava.integration.config.js "${files[@]}"
  [ "$TIER" != quick ] || return 0
  phase "tests that have the engine for themselves" with_engine --config ava.alone.config.js
  [ "$TIER" = all ] || return 0
  phase "CPython's own tests with an archive" run_conformance
}

# --- What comes out -----------------------------------------------------------------------------------------

readonly UNTRIED=' # (SKIP|TODO)$'

# count REGEX: lines of the TAP stream. Subtests are indented and do not count.
count() { grep -cE "$1" "$WORK/tap" || true; }

# titles REGEX: of the tests in the TAP stream that match.
titles() { grep -E "$1" "$WORK/tap" | sed -E 's/^(not )?ok [0-9]+ - /  /'; }

summary() {
  local skipped failed ok
  # A title may hold the same words elsewhere.
  skipped=$(count "^(not )?ok .*$UNTRIED")
  failed=$(($(count '^not ok ') - $(count "^not ok .*$UNTRIED")))
  ok=$(($(count '^ok ') - $(count "^ok .*$UNTRIED")))
  printf '\n'
  if [ "$skipped" -gt 0 ]; then
    printf 'skipped:\n'
    titles "^(not )?ok .*$UNTRIED"
  fi
  if [ "$failed" -gt 0 ]; then
    printf 'failed tests:\n'
    titles '^not ok ' | grep -vE "$UNTRIED"
  fi
  printf 'slowest files, and how much processor time they and their programs used beside an engine:\n'
  # Not head, which would end sort with SIGPIPE when it has enough.
  sort -rn "$WORK/times" | sed -n "1,${SLOWEST}p" | while read -r seconds used file; do
    printf '%7s s %7s s  %s\n' "$seconds" "$used" "$file"
  done
  printf 'phases:\n'
  printf '%s\n' "${PHASES[@]}" "$(printf '%5d s  all (%s)' "$SECONDS" "$TIER")"
  [ ${#FAILED[@]} -eq 0 ] || printf 'failed step: %s\n' "${FAILED[@]}"
  local verdict=FAILED
  if [ ${#FAILED[@]} -eq 0 ] && [ "$failed" -eq 0 ] && [ "$ok" -gt 0 ]; then verdict=succeeded; fi
  # A step that fails need not have run a test.
  printf '%s: %s tests passed, %s failed, %s skipped; %s steps failed\n' "$verdict" "$ok" "$failed" "$skipped" "${#FAILED[@]}"
  [ "$verdict" = succeeded ]
}

clean_up() {
  trap '' HUP INT TERM
  stop_job "$PHASE"
  stop_preparation
  side_engines --leave
  rm -rf "$WORK"
}

main() {
  local option file
  for option in "$@"; do
    case $option in
      --quick | --all) TIER=${option#--} ;;
      --tests-only) CHECKS= ;;
      -h | --help) sed -n '3,/^$/s/^# \{0,1\}//p' "${BASH_SOURCE[0]}"; return 0 ;;
      *) die "unknown option $option" "usage: scripts/test.sh [--quick | --all] [--tests-only]" ;;
    esac
  done
  cd "$ROOT"
  export PYCDS_TEST_TIER=$TIER
  WORK=$(mktemp -d)
  touch "$WORK/tap" "$WORK/times"
  export PYCDS_TEST_TIMES=$WORK/times
  trap clean_up EXIT
  for option in HUP:129 INT:130 TERM:143; do
    # shellcheck disable=SC2064 # now
    trap "warn 'ended by SIG${option%:*}: no result'; exit ${option#*:}" "${option%:*}"
  done
  side_engines --use
  phase "tools" prepare_tools
  # A job of its own, which can be ended as a whole.
  set -m
  prepare >"$WORK/preparation" 2>&1 </dev/null &
  set +m
  PREPARATION=$!
  phase "packages and build" need_packages
  if [ -n "$CHECKS" ]; then
    phase "checks" npm run --silent check:static
  else
    phase "compiling the tests" npm run --silent build:tests
  fi
  run_tests
  if [ -s "$WORK/preparation" ]; then
    printf '\npreparation:\n'
    cat "$WORK/preparation"
  fi
  for file in "$WORK"/failed-*; do
    [ ! -e "$file" ] || FAILED+=("${file##*/failed-}")
  done
  summary
}

main "$@"
