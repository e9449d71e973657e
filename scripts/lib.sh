# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0
# What the scripts share: messages, and the set-up of a machine. Every function does nothing where
# nothing is missing, and says what it is about to install before it does. Messages go to stderr, so
# that a script may print a result. Source it; it sets the shell's options and ROOT.

set -euo pipefail

ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
readonly ROOT

# The exit code for "cannot be made on this machine", as test runners know it for a skipped test.
readonly EXIT_SKIP=77

say() { printf '==> %s\n' "$*" >&2; }
warn() { printf 'warning: %s\n' "$*" >&2; }

# die MESSAGE [HINT]: ends the script.
die() {
  printf 'error: %s\n' "$1" >&2
  [ $# -lt 2 ] || printf '       %s\n' "$2" >&2
  exit 1
}

# skip MESSAGE [HINT]: ends the script with the code of a thing that this machine cannot make.
skip() {
  printf 'not possible here: %s\n' "$1" >&2
  [ $# -lt 2 ] || printf '       %s\n' "$2" >&2
  exit "$EXIT_SKIP"
}

have() { command -v "$1" >/dev/null 2>&1; }

is_root() { [ "$(id -u)" -eq 0 ]; }

# PYCDS_NO_INSTALL=1: use what is there, and neither install nor start anything. Tests set it.
may_change_machine() { [ -z "${PYCDS_NO_INSTALL:-}" ]; }

# True where packages may be installed: apt-get and dpkg at hand, and the rights to use them.
can_install() { may_change_machine && is_root && have apt-get && have dpkg-query; }

cache_dir() {
  local dir=${XDG_CACHE_HOME:-${HOME:-/tmp}/.cache}/pycds-image
  mkdir -p "$dir"
  printf '%s\n' "$dir"
}

state_dir() {
  local dir
  if [ -n "${XDG_STATE_HOME:-}" ]; then dir=$XDG_STATE_HOME/pycds-image
  elif is_root; then dir=/var/log
  else dir=${HOME:-/tmp}/.local/state/pycds-image; fi
  mkdir -p "$dir"
  printf '%s\n' "$dir"
}

# wait_for SECONDS COMMAND...: runs the command until it succeeds; fails when the time is over.
wait_for() {
  local end=$((SECONDS + $1))
  shift
  until "$@" >/dev/null 2>&1; do
    [ "$SECONDS" -lt "$end" ] || return 1
    sleep 0.2
  done
}

# apt_install PACKAGE...: installs those that are missing; the caller has checked can_install.
apt_install() {
  local package missing=()
  for package in "$@"; do
    dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null | grep -qx installed || missing+=("$package")
  done
  [ ${#missing[@]} -gt 0 ] || return 0
  say "installing with apt-get: ${missing[*]}"
  # The package lists of a fresh machine are empty, those of an old one name files that are gone.
  apt_get update >&2 || warn "apt-get update failed; going on with the package lists at hand"
  apt_get install --no-install-recommends "${missing[@]}" >&2 ||
    die "apt-get could not install: ${missing[*]}" "Its messages are above; install them by hand and start again."
}

# One at a time: apt-get waits for the lock of dpkg, but not for that of its own lists.
apt_get() {
  DEBIAN_FRONTEND=noninteractive NEEDRESTART_SUSPEND=1 flock "$(cache_dir)/apt.lock" \
    apt-get -qq -y -o DPkg::Lock::Timeout=300 -o Dpkg::Use-Pty=0 "$@" </dev/null
}

# --- Node and the compiler --------------------------------------------------------------------------

need_node() {
  local hint='Get it from https://nodejs.org/ or with a version manager, then start again.'
  have node || die "Node.js is missing; 20.19 or newer is needed" "$hint"
  have npm || die "npm is missing" "$hint"
  node -e 'const [a, b] = process.versions.node.split(".").map(Number)
           process.exit(a > 20 || (a === 20 && b >= 19) ? 0 : 1)' ||
    die "Node.js $(node --version) is too old; 20.19 or newer is needed" "$hint"
}

need_compiler() {
  local tool missing=()
  for tool in cc c++ make; do have "$tool" || missing+=("$tool"); done
  [ ${#missing[@]} -gt 0 ] || return 0
  can_install || die "a C and C++ compiler and make are needed; missing: ${missing[*]}" \
    "Install your system's build tools (Debian, Ubuntu: apt-get install build-essential)."
  apt_install build-essential
}

# What this machine runs, as OCI names it.
machine_platform() { printf 'linux/%s\n' "$(uname -m | sed -e s/x86_64/amd64/ -e s/aarch64/arm64/)"; }

# The packages of the lock file, and the build; both only where they are not there yet or out of date.
need_packages() {
  need_node
  need_compiler
  if packages_are_there; then
    say "building"
    (cd "$ROOT" && npm run --silent build >&2)
  else
    may_change_machine || die "the packages of package-lock.json are missing" "npm ci installs them."
    say "installing the packages of package-lock.json with npm ci, and building"
    (cd "$ROOT" && npm ci --no-audit --no-fund --loglevel=error >&2) && touch "$ROOT/node_modules/.package-lock.json"
  fi
}

# Packages that another checkout lends through a link are taken as they are: npm ci would empty the directory behind
# the link. So are those of any age where nothing may be installed.
packages_are_there() {
  local installed=$ROOT/node_modules/.package-lock.json
  [ -L "$ROOT/node_modules" ] || { [ -e "$installed" ] && ! { may_change_machine && [ "$ROOT/package-lock.json" -nt "$installed" ]; }; }
}

# one_at_a_time NAME: waits until no other script with that name is at it; scripts that start together make the same
# things. Call it after need_engine: an engine that is started would hold the lock for as long as it runs.
one_at_a_time() {
  have flock || return 0
  exec 9>"$(cache_dir)/$1.lock"
  flock 9
}

# --- Docker Engine ----------------------------------------------------------------------------------

engine_answers() { have docker && timeout 20 docker version --format '{{.Server.Version}}' >/dev/null 2>&1; }

engine_socket() {
  case ${DOCKER_HOST:-} in
    '') printf '/var/run/docker.sock\n' ;;
    unix://*) printf '%s\n' "${DOCKER_HOST#unix://}" ;;
    *) printf '\n' ;;
  esac
}

# Leaves a Docker Engine that answers: the one at hand, else one installed and started here. An engine
# started here goes on running when the script ends.
need_engine() {
  engine_answers && return 0
  may_change_machine || skip "no Docker Engine answers" "Start one, or set DOCKER_HOST."
  local socket
  socket=$(engine_socket)
  [ -n "$socket" ] || die "the Docker Engine of DOCKER_HOST=${DOCKER_HOST:-} does not answer" \
    "Start it, or unset DOCKER_HOST to use the one of this machine."
  if [ -S "$socket" ] && [ ! -w "$socket" ]; then
    die "this user may not use Docker's socket $socket" \
      "Add the user to the group docker and log in again, or run this as root."
  fi
  if ! have docker || ! have dockerd; then
    can_install || die "no Docker Engine answers at $socket, and none can be installed here" \
      "Install and start Docker (https://docs.docker.com/engine/install/), or run this as root on Debian or Ubuntu."
    apt_install docker.io iptables ca-certificates
    # Newer releases have the client in a package of its own.
    have docker || apt_install docker-cli
  fi
  is_root || die "no Docker Engine answers at $socket" "Start it, or run this as root."
  start_engine "$socket"
}

start_engine() {
  local socket=$1
  if [ -d /run/systemd/system ] && have systemctl; then
    say "starting Docker Engine with systemctl"
    systemctl start docker >&2 || true
    wait_for 180 engine_answers || die "Docker Engine did not start" "See: journalctl -u docker"
    return 0
  fi
  # Installing the package may have started it already.
  if pgrep -x dockerd >/dev/null 2>&1 && wait_for 60 engine_answers; then return 0; fi
  local log
  log=$(state_dir)/pycds-dockerd.log
  run_dockerd "$socket" "$log" && return 0
  # A kernel without the netfilter modules: images can be built and run without a network.
  if grep -qi iptables "$log"; then
    warn "dockerd could not set up its network with iptables; starting it without"
    run_dockerd "$socket" "$log" --iptables=false --ip6tables=false --bridge=none && return 0
  fi
  printf 'The last lines of %s:\n' "$log" >&2
  tail -n 15 "$log" >&2
  die "dockerd does not start on this machine" \
    "In a container it needs --privileged and /sys/fs/cgroup; or point DOCKER_HOST at a running engine."
}

# run_dockerd SOCKET LOG OPTION...: true once it answers, false once it has ended or takes too long.
run_dockerd() {
  local socket=$1 log=$2 pid end=$((SECONDS + 180))
  shift 2
  say "starting dockerd in the background; its log is $log"
  # Its own session and no descriptor of ours: it outlives this script, and nobody waits for it.
  # For most calls the engine starts itself once more; a larger first heap saves each of them a quarter of its time.
  GOGC=400 setsid dockerd --host "unix://$socket" "$@" >"$log" 2>&1 </dev/null &
  pid=$!
  until engine_answers; do
    kill -0 "$pid" 2>/dev/null || return 1
    if [ "$SECONDS" -ge "$end" ]; then
      kill "$pid" 2>/dev/null || true
      return 1
    fi
    sleep 0.2
  done
}

# hub_image REFERENCE: true when the engine has the image or can pull it without a long wait.
hub_image() {
  docker image inspect "$1" >/dev/null 2>&1 && return 0
  say "asking for $1 at the registry"
  timeout "${PYCDS_PULL_TIMEOUT:-120}" docker pull -q "$1" >/dev/null 2>&1
}

# build_image OPTION... CONTEXT: docker build that says something only when it fails. Where there is no
# buildx, the client falls back to the engine's own builder with a notice that helps nobody here.
build_image() {
  local output
  output=$(docker build --quiet "$@" 2>&1 </dev/null) || {
    printf '%s\n' "$output" | grep -v -e DEPRECATED -e 'Install the buildx' -e 'docs.docker.com/go/buildx' >&2 || true
    return 1
  }
}

# What an image was made from, so that it need not be made again.
readonly RECIPE_LABEL=io.pycds.recipe

# digest ARG...: names a recipe by everything that goes into it.
digest() { printf '%s\0' "$@" | sha256sum | cut -c1-16; }

# digest_files PATH...: the same for files and directories with their content.
digest_files() { find "$@" -type f -print0 | sort -z | xargs -0 sha256sum | sha256sum | cut -c1-16; }

# recipe_of IMAGE: the recipe that an image at hand was made by.
recipe_of() { docker image inspect -f "{{index .Config.Labels \"$RECIPE_LABEL\"}}" "$1"; }

# up_to_date IMAGE RECIPE
up_to_date() { [ -z "${FORCE:-}" ] && [ "$(recipe_of "$1" 2>/dev/null)" = "$2" ]; }
