// SPDX-License-Identifier: Apache-2.0
// Who made a temporary file, so that a later run can tell what a killed one has left behind.
import { createHash, randomBytes } from 'node:crypto'
import { readFileSync, readlinkSync } from 'node:fs'

/** Process numbers mean something only on one boot of one machine, within one namespace. */
function world(): string {
  try {
    const boot = readFileSync('/proc/sys/kernel/random/boot_id', 'utf8')
    const host = readFileSync('/proc/sys/kernel/hostname', 'utf8')
    return createHash('sha256')
      .update(`${boot}${host}${readlinkSync('/proc/self/ns/pid')}`)
      .digest('hex')
      .slice(0, 8)
  } catch {
    return '' // without /proc nothing can be said of other processes
  }
}

/** When a process was started, in ticks since the boot; undefined when there is no such process. */
function startOf(pid: number): string | undefined {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'latin1')
    return text.slice(text.lastIndexOf(')') + 2).split(' ')[19]
  } catch {
    return undefined
  }
}

const MARK = /([0-9a-f]{8})-(\d+)-(\d+)-[0-9a-f]{8}/

/** A text for file names that names this process, different each time. */
export function ownerMark(): string {
  const id = randomBytes(4).toString('hex')
  return `${world() || '00000000'}-${process.pid}-${startOf(process.pid) ?? 0}-${id}`
}

/** Whether a text has a mark in it whose process has ended for certain. */
export function isAbandoned(text: string): boolean {
  const [, where, pid, start] = MARK.exec(text) ?? []
  return where !== undefined && where === world() && startOf(Number(pid)) !== start
}
