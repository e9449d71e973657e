// SPDX-License-Identifier: Apache-2.0
import { mkdirSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'
import test, { type ExecutionContext } from 'ava'
import { machineSign } from '../../../src/in-place/machine.js'
import { temporary } from '../../helpers/temporary.js'

const OVERLAY = '512 430 0:53 / / rw,relatime - overlay overlay rw,lowerdir=/x\n'
const DISK = '27 1 254:0 / / rw,relatime - ext4 /dev/vda1 rw\n'

/** What the kernel tells; the first process has the root `ours`, another one, or one that this process may not look at. */
function machine(
  t: ExecutionContext,
  o: { comm?: string; mountinfo?: string; sameRoot?: boolean; hidesRoot?: boolean },
) {
  const directory = temporary(t, {
    ...(o.comm === undefined ? {} : { '1/comm': `${o.comm}\n` }),
    ...(o.mountinfo === undefined ? {} : { 'self/mountinfo': o.mountinfo }),
  })
  for (const name of ['1', 'ours', 'theirs']) mkdirSync(join(directory, name), { recursive: true })
  if (o.hidesRoot !== true)
    symlinkSync(join(directory, o.sameRoot === false ? 'theirs' : 'ours'), join(directory, '1/root'))
  return machineSign(directory, join(directory, 'ours'))
}

/** As each of them showed it on a machine whose root is the disk vda, and whose init is systemd. */
const BUILDS: Readonly<Record<string, Parameters<typeof machine>[1]>> = {
  'the classic builder': {
    comm: 'python3',
    mountinfo:
      '148 67 0:45 / / rw,relatime master:6 - overlay overlay rw,lowerdir=/var/lib/docker/overlay2/l/Q252\n',
  },
  BuildKit: {
    comm: 'python3',
    mountinfo:
      '149 67 0:45 / / rw,relatime master:6 - overlay overlay rw,lowerdir=/var/lib/docker/overlay2/l/WBW7\n',
  },
  'buildah, which runs an OCI runtime': {
    comm: 'python3',
    mountinfo:
      '176 144 254:0 /var/lib/containers/storage/vfs/dir/b779 / rw,relatime - ext4 /dev/vda rw,discard\n',
  },
  'buildah --isolation chroot, in the namespace of the machine': {
    comm: 'systemd',
    hidesRoot: true,
    mountinfo:
      '267 266 254:0 /var/lib/containers/storage/vfs/dir/b779 / rw,relatime - ext4 /dev/vda rw,discard\n',
  },
  'chroot into a directory, from where no mount of a root is seen': {
    comm: 'systemd',
    sameRoot: false,
    mountinfo: '300 27 0:60 / /proc rw,relatime - proc proc rw\n',
  },
  'chroot without a /proc': {},
  'chroot with processes of its own': {
    comm: 'python3',
    mountinfo: '300 27 0:60 / /proc rw - proc proc rw\n',
  },
  'a container with an init of the engine': { comm: 'docker-init', mountinfo: OVERLAY },
}

for (const [name, signs] of Object.entries(BUILDS)) {
  test(`no sign of a machine: ${name}`, (t) => {
    t.is(machine(t, signs), undefined)
  })
}

test('an instruction of a build, whatever holds its root', (t) => {
  const mapped = '98 90 253:4 /rootfs / rw - ext4 /dev/mapper/docker-8:1-4711 rw\n'
  for (const mountinfo of [OVERLAY, mapped, '98 90 0:9 / / rw - tmpfs tmpfs rw\n', '']) {
    t.is(machine(t, { comm: 'sh', mountinfo }), undefined, mountinfo)
  }
})

test('under chroot the first process is that of the machine, and has another root', (t) => {
  t.is(machine(t, { comm: 'systemd', mountinfo: '', sameRoot: false }), undefined)
})

test('a running init, and a disk as the root, are signs of a machine', (t) => {
  t.regex(machine(t, { comm: 'systemd', mountinfo: OVERLAY }) ?? '', /first process is systemd/)
  t.regex(machine(t, { comm: 'bash', mountinfo: DISK }) ?? '', /its root is the disk \/dev\/vda1/)
  t.regex(
    machine(t, { comm: 'x', mountinfo: '27 1 0:31 /@ / rw - btrfs /dev/nvme0n1p2 rw,subvol=/@\n' }) ?? '',
    /nvme0n1p2/,
  )
  // The last mount on a place is what is there.
  t.is(machine(t, { comm: 'x', mountinfo: DISK + OVERLAY }), undefined)
})
