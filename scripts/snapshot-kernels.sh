#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Freezes an interpreter under one kernel and goes on in the snapshot under others, in virtual machines without
# acceleration: the kernels of three Debian releases, and processors that have less than the one it was frozen on.
# Prints a line per start, and fails where a program did anything but what it does without a snapshot.
#
#   scripts/snapshot-kernels.sh IMAGE [RELEASE...]
#   scripts/snapshot-kernels.sh --prepare [RELEASE...]    only gets the emulator and the kernels, into the cache
#
# IMAGE has Debian's Python, the hook, and /opt/pycds with pycds-freeze.so, as test/integration/snapshot.ts builds it;
# the first RELEASE is the one that it is frozen under (default: bookworm bullseye trixie). A snapshot that the image has
# itself, of another processor, is started as well: it is refused.
#
# Exit code 77: cannot be had on this machine; the reason is the last message.

# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

# Processors that an emulator knows. The first is the one that it is frozen on; the second has all of it, the third lacks
# what the default policy needs. The others are of other makers and years.
readonly FROZEN_ON=Haswell PROCESSORS=(Haswell Broadwell Nehalem max Skylake-Server EPYC)
readonly DEADLINE=1200
WORK=

# kernel RELEASE: unpacks the kernel of a release into the cache, and prints the directory.
kernel() {
  local directory package sources
  directory=$(cache_dir)/kernels/$1
  if [ ! -e "$directory/done" ]; then
    mkdir -p "$directory/lists/partial" "$directory/archives/partial"
    sources=$directory/sources.list
    printf 'deb [trusted=yes] http://deb.debian.org/debian %s main\n' "$1" >"$sources"
    local options=(-o "Dir::Etc::SourceList=$sources" -o Dir::Etc::SourceParts=/dev/null -o "Dir::State::Lists=$directory/lists"
      -o "Dir::Cache=$directory" -o APT::Architecture=amd64 -qq)
    apt-get "${options[@]}" update >&2 || return 1
    package=$(apt-cache "${options[@]}" depends linux-image-cloud-amd64 | sed -n 's/.*Depends: \(linux-image-[0-9]\)/\1/p' | head -n 1)
    (cd "$directory" && apt-get "${options[@]}" download "$package" >&2 && dpkg -x ./*.deb root) || return 1
    touch "$directory/done"
  fi
  printf '%s\n' "$directory"
}

# modules KERNEL: what a disk needs, in the order in which it is loaded; where they are part of the kernel there are none.
modules() {
  local name file
  for name in virtio virtio_ring virtio_pci_modern_dev virtio_pci_legacy_dev virtio_pci virtio_blk; do
    file=$(find "$1/root" -name "$name.ko" -o -name "$name.ko.xz" | head -n 1)
    [ -z "$file" ] || printf '%s\n' "$file"
  done
}

# The part of the image that an interpreter needs to start, with its times.
take_image() {
  local container
  container=$(docker create "$1") || skip "there is no image $1"
  docker export "$container" | tar -x -C "$WORK/root" --exclude='usr/lib/python3/dist-packages/*/*' \
    --wildcards 'usr/bin/python3*' 'usr/lib/python3*' 'usr/local/lib/python3*' 'usr/lib/locale/C.utf8' 'usr/lib/x86_64-linux-gnu/gconv/gconv-modules.cache' \
    'usr/lib/x86_64-linux-gnu/lib[cmz].so*' 'usr/lib/x86_64-linux-gnu/libz.so*' 'usr/lib/x86_64-linux-gnu/libexpat.so*' 'usr/lib/x86_64-linux-gnu/ld-linux*' 'usr/lib64' \
    'lib' 'lib64' 'etc/python3*' 'etc/ld.so.cache' 'etc/passwd' 'opt/pycds' 2>/dev/null || true
  docker image inspect --format '{{range .Config.Env}}{{println .}}{{end}}' "$1" >"$WORK/root/environment"
  docker rm "$container" >/dev/null
  [ -e "$WORK/root/opt/pycds/pycds-freeze.so" ] || die "$1 has no /opt/pycds/pycds-freeze.so"
}

write_init() {
  mkdir -p "$WORK"/root/{bin,proc,sys,dev,tmp,modules}
  cp "$(command -v busybox)" "$WORK/root/bin/busybox"
  cat >"$WORK/root/init" <<'INIT'
#!/bin/busybox sh
b=/bin/busybox
$b mount -t proc none /proc
$b mount -t sysfs none /sys
$b mount -t devtmpfs none /dev
$b mount -t tmpfs none /tmp
for file in /modules/*.ko; do [ -e "$file" ] && $b insmod "$file"; done
while read -r line; do [ -z "$line" ] || export "$line"; done </environment
what=$($b sed -n 's/.*pycds=\([a-z]*\).*/\1/p' /proc/cmdline)
program='import os, sys, time, uuid; t = time.time(); print(sys.argv, t > 1e9, time.monotonic() > 0, uuid.uuid4().version, len(os.listdir("/proc/self/fd")), sum(map(int, str(2 ** 4000))))'

# start TITLE VARIABLE..: one line with what became of the snapshot, and whether the program did what it does without.
start() {
  title=$1
  shift
  plain=$($b env "$@" PYCDS_SNAPSHOT=off python3 -c "$program" one 2>/tmp/plain)
  plain="$plain $?"
  thawed=$($b env "$@" PYCDS_LOG=1 python3 -c "$program" one 2>/tmp/thawed)
  thawed="$thawed $?"
  reason=$($b sed -n 's/^pycds[^ ]* snapshot //p' /tmp/thawed)
  same=different
  [ "$plain" = "$thawed" ] && [ -n "$plain" ] && same=same
  echo "RESULT $title: $reason, $same"
  [ $same = same ] || { echo "$plain / $thawed"; $b cat /tmp/plain /tmp/thawed; }
}

if [ "$what" = freeze ]; then
  start 'of another processor' PYCDS_SNAPSHOT=/opt/pycds/app.snap
  $b rm -f /opt/pycds/app.snap
  # Not as process 1.
  (LD_PRELOAD=/opt/pycds/pycds-freeze.so PYCDS_FREEZE=/opt/pycds/app.snap python3) || echo 'RESULT freeze: failed, different'
  $b dd if=/opt/pycds/app.snap of=/dev/vda bs=4096 conv=fsync 2>/dev/null
  $b wc -c </opt/pycds/app.snap | $b dd of=/dev/vda bs=4096 seek=8191 conv=fsync,notrunc 2>/dev/null
else
  bytes=$($b dd if=/dev/vda bs=4096 skip=8191 count=1 2>/dev/null | $b head -n 1)
  $b dd if=/dev/vda bs=4096 count=$(((bytes + 4095) / 4096)) 2>/dev/null | $b head -c "$bytes" >/opt/pycds/app.snap
fi
export PYCDS_SNAPSHOT=/opt/pycds/app.snap
start 'as it is'
for how in patch call; do start "functions of the kernel by $how" PYCDS_SNAPSHOT_VDSO=$how; done
$b mount -o remount,hidepid=2 /proc && start 'processes of others hidden'
$b mount -o remount,hidepid=0 /proc
echo 2 >/proc/sys/vm/overcommit_memory
start 'strict overcommit'
# Little more than what is committed already.
committed=$($b sed -n 's/^Committed_AS: *\([0-9]*\).*/\1/p' /proc/meminfo)
for more in 24000 16000; do
  echo $((committed + more)) >/proc/sys/vm/overcommit_kbytes
  start "strict overcommit, $more kB left"
done
echo 0 >/proc/sys/vm/overcommit_memory
echo RESULT end
$b poweroff -f
INIT
  chmod 755 "$WORK/root/init"
}

# boot RELEASE PROCESSOR freeze|thaw: prints its results.
boot() {
  local directory file number=10
  directory=$(kernel "$1")
  rm -f "$WORK"/root/modules/*
  for file in $(modules "$directory"); do
    case $file in
      *.xz) xz -dc "$file" >"$WORK/root/modules/$number-$(basename "$file" .xz)" ;;
      *) cp "$file" "$WORK/root/modules/$number-$(basename "$file")" ;;
    esac
    number=$((number + 1))
  done
  (cd "$WORK/root" && find . -print0 | cpio --quiet --null -o -H newc) >"$WORK/initrd"
  timeout "$DEADLINE" qemu-system-x86_64 -accel tcg -cpu "$2" -m 1024 -nographic -no-reboot -nic none \
    -kernel "$(find "$directory/root/boot" -name 'vmlinuz-*')" -initrd "$WORK/initrd" \
    -append "console=ttyS0 panic=-1 quiet no_timer_check pycds=$3" -drive "file=$WORK/disk,format=raw,if=virtio" </dev/null 2>&1 |
    tr -d '\r' >"$WORK/console"
  sed -n "s/.*RESULT \(.*[a-z]\)$/$1, $2: \1/p" "$WORK/console" | tee -a "$WORK/results"
  grep -q '^RESULT end' "$WORK/console" || {
    tail -n 40 "$WORK/console" >&2
    die "$1 on $2 did not come to its end"
  }
}

main() {
  local image=${1:-} release processor program
  [ -n "$image" ] || die "no image" "usage: scripts/snapshot-kernels.sh IMAGE [RELEASE...]"
  shift
  [ $# -gt 0 ] || set -- bookworm bullseye trixie
  if can_install; then apt_install busybox-static cpio qemu-system-x86 seabios xz-utils; fi
  for program in busybox cpio qemu-system-x86_64 xz; do have "$program" || skip "there is no $program"; done
  for release in "$@"; do kernel "$release" >/dev/null || skip "the kernel of $release cannot be had"; done
  [ "$image" != --prepare ] || return 0
  WORK=$(mktemp -d)
  trap 'rm -rf "$WORK"' EXIT
  mkdir "$WORK/root"
  truncate -s 64M "$WORK/disk"
  take_image "$image"
  write_init
  boot "$1" "$FROZEN_ON" freeze
  for release in "${@:2}"; do boot "$release" "$FROZEN_ON" thaw; done
  for processor in "${PROCESSORS[@]:1}"; do boot "$1" "$processor" thaw; done
  ! grep -q ', different$' "$WORK/results" || die "a program was not what it is without a snapshot"
}

main "$@"
