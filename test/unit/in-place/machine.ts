// SPDX-License-Identifier: Apache-2.0
import { mkdirSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'
import test, { type ExecutionContext } from 'ava'
import { machineSign } from '../../../src/in-place/machine.js'
import { temporary } from '../../helpers/temporary.js'

const OVERLAY = '512 430 0:53 / / rw,relatime - overlay overlay rw,lowerdir=/x\n'
const DISK = '27 1 254:0 / / rw,relatime - ext4 /dev/vda1 rw\n'

/** What the kernel tells; the first process has the root `ours`, or another one. */
function machine(t: ExecutionContext, o: { comm: string; mountinfo: string; sameRoot?: boolean }) {
  const directory = temporary(t, { '1/comm': `${o.comm}\n`, 'self/mountinfo': o.mountinfo })
  for (const name of ['ours', 'theirs']) mkdirSync(join(directory, name))
  symlinkSync(join(directory, o.sameRoot === false ? 'theirs' : 'ours'), join(directory, '1/root'))
  return machineSign(directory, join(directory, 'ours'))
}

test('an instruction of a build, whoever builds', (t) => {
  const vfs = '98 90 254:0 /var/lib/containers/storage/vfs/dir/abc / rw - ext4 /dev/vda1 rw\n'
  const mapped = '98 90 253:4 /rootfs / rw - ext4 /dev/mapper/docker-8:1-4711 rw\n'
  for (const mountinfo of [
    OVERLAY,
    vfs,
    mapped,
    '98 90 0:9 / / rw - tmpfs tmpfs rw\n',
    '',
    '1 2 0:5 / /proc rw - proc proc rw\n',
  ]) {
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
