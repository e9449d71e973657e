#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Starts another engine beside the one at hand, for tests, and prints its address: a value for DOCKER_HOST, or for
# BUILDKIT_HOST. Does nothing where it runs already. It has a root file system, a network and its data of its own.
#
#   scripts/side-engine.sh NAME
#   scripts/side-engine.sh --load NAME IMAGE   copies an image of the engine at hand, and prints its name there
#   scripts/side-engine.sh --program PROGRAM   prints the path of a client, docker-buildx or buildctl, or of
#                                              dockerfile-frontend, which is what an image docker/dockerfile holds
#   scripts/side-engine.sh --network NAME      prints the path of its network, which nothing else reaches
#   scripts/side-engine.sh --stop NAME         ends it, and removes its data
#   scripts/side-engine.sh --use PROCESS       a run of tests, by its process, that may ask for engines
#   scripts/side-engine.sh --leave PROCESS     it has ended: stops all engines, unless another one runs
#   scripts/side-engine.sh --list
#
#   docker-28              Docker Engine 28 as Debian has it, with the classic image store
#   docker-28-containerd   the same with containerd's image store
#   buildkitd              BuildKit without an engine, built from its Go module, beside a registry of its own
#
# Exit code 77: cannot be had on this machine; the reason is the last message.

# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

readonly NAMES=(docker-28 docker-28-containerd buildkitd)
readonly BUILDKIT=github.com/moby/buildkit@v0.25.2
# Whatever is kept for a running engine. A socket's path must be short.
readonly STATE=/run/pycds-side
# On a file system that overlays can lie on.
readonly DATA=${PYCDS_SIDE_DATA:-/var/lib/pycds-side}
# For an engine to answer, in seconds: far more than it needs, whatever else the machine does.
readonly PATIENCE=300

need_root() { is_root || skip "a side engine needs root" "Run this as root."; }

engines_root() { "$ROOT/scripts/base-image.sh" --root engines; }

# answers NAME: true when the engine talks.
answers() {
  local socket
  socket=$(socket_of "$1")
  [ -S "$socket" ] || return 1
  case $1 in
    buildkitd) timeout 20 "$(buildkit_dir)/buildctl" --addr "unix://$socket" debug workers >/dev/null 2>&1 ;;
    *) DOCKER_HOST=unix://$socket timeout 20 docker version >/dev/null 2>&1 ;;
  esac
}

socket_of() { printf '%s/%s/engine.sock\n' "$STATE" "$1"; }

# launch NAME COMMAND...: in the background, in namespaces of its own, below the root file system of the engines;
# STATE/NAME is the same directory inside and outside, DATA/NAME is /var/lib/side in it.
launch() {
  local name=$1 root log pid
  shift
  root=$(engines_root)
  mkdir -p "$STATE/$name" "$DATA/$name"
  log=$STATE/$name/log
  say "starting $name; its log is $log"
  # shellcheck disable=SC2016 # expanded by the inner shell
  setsid unshare --mount --net --propagation private sh -euc '
    root=$1 state=$2 data=$3; shift 3
    ip link set lo up
    mount --bind "$root" "$root"
    for directory in proc sys dev; do mount --rbind "/$directory" "$root/$directory"; done
    mount -t tmpfs tmpfs "$root/run"
    mount -t tmpfs tmpfs "$root/tmp"
    mkdir -p "$root$state" "$root/var/lib/side"
    mount --bind "$state" "$root$state"
    mount --bind "$data" "$root/var/lib/side"
    mkdir -p "$root/mnt/outside"
    # Not chroot: whoever joins the namespace of a container would come out in the root of this machine.
    cd "$root"
    pivot_root . mnt/outside
    umount -l /mnt/outside
    exec "$@"' sh "$root" "$STATE/$name" "$DATA/$name" "$@" >"$log" 2>&1 </dev/null 9>&- &
  pid=$!
  printf '%s\n' "$pid" >"$STATE/$name/pid"
  local end=$((SECONDS + PATIENCE))
  until answers "$name"; do
    # Only one that has given up cannot be had here.
    if ! kill -0 "$pid" 2>/dev/null; then
      tail -n 15 "$log" >&2
      skip "$name does not start on this machine" "The end of its log is above."
    fi
    if [ "$SECONDS" -ge "$end" ]; then
      tail -n 15 "$log" >&2
      kill "$pid" 2>/dev/null || true
      die "$name does not answer after $PATIENCE s" "The end of its log is above."
    fi
    sleep 0.2
  done
}

# start_docker NAME OPTION...: dockerd starts its own containerd, below its own directories. It may not reach
# anything, so it needs no bridge.
start_docker() {
  local name=$1
  shift
  launch "$name" /usr/sbin/dockerd --host "unix://$(socket_of "$name")" --data-root /var/lib/side/data \
    --exec-root "/run/docker" --pidfile /run/docker.pid --iptables=false --ip6tables=false --bridge=none \
    --cgroup-parent "/pycds-side-$name" "$@"
}

buildkit_dir() { printf '%s/buildkit-%s\n' "$(cache_dir)" "${BUILDKIT##*@}"; }

# Debian has no package of it. Built in a copy of the module, so that its own list of dependencies counts.
need_buildkit() {
  local directory source work
  directory=$(buildkit_dir)
  [ ! -x "$directory/buildkitd" ] || return 0
  have go || skip "buildkitd has to be built, and Go is missing" "Install Go 1.24 or newer."
  say "building $BUILDKIT, which takes minutes"
  source=$(go mod download -json "$BUILDKIT" | sed -n 's/^\t"Dir": "\(.*\)",$/\1/p') || true
  [ -d "$source" ] || skip "$BUILDKIT cannot be downloaded" "Is a proxy for Go modules reachable?"
  work=$(mktemp -d)
  cp -r --no-preserve=mode "$source/." "$work"
  (cd "$work" && CGO_ENABLED=0 go build -trimpath -ldflags '-s -w' -o "$directory.part/" \
    ./cmd/buildkitd ./cmd/buildctl ./frontend/dockerfile/cmd/dockerfile-frontend >&2) ||
    skip "$BUILDKIT cannot be built here" "Go's messages are above."
  rm -rf "$work" "$directory"
  mv "$directory.part" "$directory"
}

start_buildkitd() {
  need_buildkit
  mkdir -p "$STATE/buildkitd"
  cp "$(buildkit_dir)/buildkitd" "$STATE/buildkitd/"
  if can_install; then apt_install docker-registry skopeo; fi
  { have docker-registry && have skopeo; } || skip "buildkitd takes images from a registry" "Install docker-registry and skopeo."
  launch buildkitd "$STATE/buildkitd/buildkitd" --addr "unix://$(socket_of buildkitd)" --root /var/lib/side/data \
    --containerd-worker=false --oci-worker=true --oci-worker-binary /usr/bin/runc --oci-worker-net host \
    --oci-worker-snapshotter overlayfs
  start_registry
}

readonly REGISTRY=localhost:5000

# In buildkitd's network, where nothing else reaches it.
start_registry() {
  local state=$STATE/buildkitd
  cat >"$state/registry.yml" <<YAML
version: 0.1
storage: {filesystem: {rootdirectory: $DATA/buildkitd/registry}}
http: {addr: $REGISTRY}
YAML
  # Not through a function, whose shell would be what $! names.
  setsid nsenter --net="$(network buildkitd)" docker-registry serve "$state/registry.yml" \
    >"$state/registry.log" 2>&1 </dev/null 9>&- &
  printf '%s\n' $! >"$state/registry.pid"
  wait_for "$PATIENCE" registry_answers || die "the registry beside buildkitd does not start" "Its log is $state/registry.log."
}

registry_answers() { in_network bash -c "exec 3<>/dev/tcp/${REGISTRY/://}" 2>/dev/null; }

in_network() { nsenter --net="$(network buildkitd)" "$@"; }

network() { printf '/proc/%s/ns/net\n' "$(cat "$STATE/$1/pid")"; }

# load NAME IMAGE: nothing is copied that is there already.
load() {
  local socket image=$2 mark id
  socket=$(socket_of "$1")
  [[ ${image##*/} == *:* ]] || image=$image:latest
  id=$(docker image inspect -f '{{.Id}}' "$image")
  mark=$STATE/$1/loaded-$(digest "$image" "$id")
  exec 9>"$STATE/$1/load.lock"
  flock 9
  if [ "$1" = buildkitd ]; then
    [ -e "$mark" ] || in_network skopeo copy --quiet --dest-tls-verify=false --dest-compress-format gzip --dest-compress-level 1 "docker-daemon:$image" "docker://$REGISTRY/$image" >&2
    printf '%s/%s\n' "$REGISTRY" "$image"
  else
    [ -e "$mark" ] || docker save "$image" | DOCKER_HOST=unix://$socket docker load >/dev/null
    printf '%s\n' "$image"
  fi
  touch "$mark"
}

start() {
  if answers "$1"; then
    # The registry is a process of its own, and may have ended alone.
    [ "$1" != buildkitd ] || registry_answers || start_registry
    return 0
  fi
  case $1 in
    docker-28) start_docker "$1" ;;
    docker-28-containerd) start_docker "$1" --feature containerd-snapshotter=true ;;
    buildkitd) start_buildkitd ;;
    *) die "unknown engine $1" "One of: ${NAMES[*]}" ;;
  esac
}

# use PROCESS: with its start, since its number may be another's later.
use() {
  local start
  start=$(start_of "$1") || die "there is no process $1"
  mkdir -p "$STATE/users"
  printf '%s\n' "$start" >"$STATE/users/$1"
}

# start_of PROCESS: in ticks since the machine started; fails where there is none.
start_of() {
  local line
  [[ $1 =~ ^[0-9]+$ ]] || die "$1 is no process" "Give its number."
  # The second field is a name, which may hold blanks and brackets.
  { read -r line <"/proc/$1/stat"; } 2>/dev/null || return 1
  # shellcheck disable=SC2086 # fields
  set -- ${line##*) }
  # One that has ended and that nobody has waited for runs no tests.
  [[ $1 != [ZX] ]] && printf '%s\n' "${20}"
}

# runs USER: the same process as when it said so.
runs() { [ "$(start_of "$1")" = "$(cat "$STATE/users/$1")" ]; }

stop() {
  local pid
  pid=$(cat "$STATE/$1/pid" 2>/dev/null) || return 0
  kill "$pid" 2>/dev/null || true
  wait_for 30 not_running "$pid" || kill -9 "$pid"
  if [ -e "$STATE/$1/registry.pid" ]; then kill "$(cat "$STATE/$1/registry.pid")" 2>/dev/null || true; fi
  rm -rf "${STATE:?}/$1" "${DATA:?}/$1"
}

# leave PROCESS
leave() {
  local user name
  [[ $1 =~ ^[0-9]+$ ]] || die "$1 is no process" "Give its number."
  rm -f "$STATE/users/$1"
  for user in "$STATE"/users/*; do
    [ -e "$user" ] || continue
    runs "${user##*/}" && return 0
    rm -f "$user"
  done
  for name in "${NAMES[@]}"; do stop "$name"; done
  rm -rf "$STATE/users"
}

# exclusively FUNCTION ARGUMENT...: one at a time.
exclusively() {
  need_root
  mkdir -p "$STATE"
  exec 9>"$STATE/lock"
  flock 9
  "$@"
}

not_running() { ! kill -0 "$1" 2>/dev/null; }

program() {
  case $1 in
    docker-buildx) printf '%s/usr/libexec/docker/cli-plugins/docker-buildx\n' "$(engines_root)" ;;
    buildctl | dockerfile-frontend) need_buildkit && printf '%s/%s\n' "$(buildkit_dir)" "$1" ;;
    *) die "unknown program $1" "One of: docker-buildx, buildctl, dockerfile-frontend" ;;
  esac
}

main() {
  local usage='usage: scripts/side-engine.sh NAME | --load NAME IMAGE | --program PROGRAM | --network NAME | --stop NAME | --use PROCESS | --leave PROCESS | --list'
  case ${1:-} in
    '') die "which engine?" "$usage" ;;
    --list) printf '%s\n' "${NAMES[@]}" ;;
    --program) need_root && program "${2:-}" ;;
    --network) network "${2:?$usage}" ;;
    --stop) need_root && stop "${2:?$usage}" ;;
    --use) exclusively use "${2:?$usage}" ;;
    --leave) exclusively leave "${2:?$usage}" ;;
    --load) need_root && load "${2:?$usage}" "${3:?$usage}" ;;
    *)
      # Tests that start together ask for the same engine.
      exclusively start "$1"
      printf 'unix://%s\n' "$(socket_of "$1")"
      ;;
  esac
}

main "$@"
