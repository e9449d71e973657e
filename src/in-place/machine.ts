// SPDX-License-Identifier: Apache-2.0
// Whether the root file system is that of a whole machine: a bake in place would change the machine.
import { readFileSync, statSync } from 'node:fs'

/** Programs that start everything else on a machine; in a build the first process is the instruction itself. */
const INITS = new Set([
  ...['systemd', 'init', 'launchd', 'openrc-init', 'runit', 'runit-init', 's6-svscan', 'dinit', 'sysvinit'],
  ...['shepherd', 'procd', 'finit'],
])

/**
 * A sign that this is a whole machine, as a sentence; undefined when there is none. What cannot be seen is no sign.
 * @param proc where the kernel tells of processes
 */
export function machineSign(proc = '/proc', root = '/'): string | undefined {
  return initSign(proc, root) ?? diskSign(proc)
}

/** An init that is the first process here, and lives in the root that would be baked: under chroot it has another one. */
function initSign(proc: string, root: string): string | undefined {
  const name = read(`${proc}/1/comm`)?.trim()
  if (name === undefined || !INITS.has(name)) return undefined
  const [own, its] = [identity(root), identity(`${proc}/1/root/`)]
  return own !== undefined && own === its
    ? `the first process is ${name}, which runs a whole machine`
    : undefined
}

/** A disk as the root. Builders mount layers, or a directory of a disk. */
function diskSign(proc: string): string | undefined {
  for (const line of (read(`${proc}/self/mountinfo`) ?? '').split('\n').reverse()) {
    const [mount = '', more = ''] = line.split(' - ')
    const [, , , part = '', place] = mount.split(' ')
    if (place !== '/') continue
    const [kind = '', device = ''] = more.split(' ')
    // A subvolume of btrfs is what such a machine starts from; its name begins with @ by custom.
    const isWhole = part === '/' || (kind === 'btrfs' && /^\/@[^/]*$/.test(part))
    return isWhole && device.startsWith('/dev/') ? `its root is the disk ${device}` : undefined
  }
  return undefined
}

function identity(path: string): string | undefined {
  try {
    const { dev, ino } = statSync(path)
    return `${dev}:${ino}`
  } catch {
    return undefined // not for this user
  }
}

function read(path: string): string | undefined {
  try {
    return readFileSync(path, 'latin1')
  } catch {
    return undefined
  }
}
