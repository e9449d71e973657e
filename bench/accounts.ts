// SPDX-License-Identifier: Apache-2.0
// The processor time of containers, by the kernel's accounts of the group that they are started in: all processes, those
// that have ended too, and what sets a container up within it.
import { existsSync } from 'node:fs'
import { readdir, readFile, rmdir } from 'node:fs/promises'
import { join } from 'node:path'
import { run } from './shell.js'

const GROUPS = '/sys/fs/cgroup'

/** A group of containers. */
export interface Account {
  /** For `docker create`. */
  readonly options: readonly string[]
  /** The file that tells what they have used so far; it is there once one of them was started. Empty: nobody counts. */
  readonly counter: string
  /** Takes the group away, once its containers are gone. */
  close(): Promise<void>
}

/** Of who does not count. */
export const NO_ACCOUNT: Account = { options: [], counter: '', close: async () => undefined }

/** @throws an Error where the engine does not let a group be named as a directory */
export async function openAccount(name: string): Promise<Account> {
  const driver = (await run('docker', ['info', '--format', '{{.CgroupDriver}}'])).trim()
  if (driver !== 'cgroupfs')
    throw new Error(`the engine's groups are made by ${driver}; only cgroupfs is read`)
  const isUnified = existsSync(join(GROUPS, 'cgroup.controllers'))
  return {
    options: ['--cgroup-parent', `/${name}`],
    counter: isUnified ? join(GROUPS, name, 'cpu.stat') : join(GROUPS, 'cpuacct', name, 'cpuacct.usage'),
    close: async () => {
      const roots = isUnified ? [GROUPS] : (await readdir(GROUPS)).map((one) => join(GROUPS, one))
      for (const root of roots) await rmdir(join(root, name)).catch(() => undefined) // not in each of them
    },
  }
}

/** Milliseconds that a group has used so far; none before its first container. */
export async function readUsed({ counter }: Account): Promise<number> {
  return parseUsed(await readFile(counter, 'utf8').catch(() => '0'))
}

/** Of cpuacct.usage, which is a number of nanoseconds, or of cpu.stat. */
export function parseUsed(text: string): number {
  const [, microseconds] = /^usage_usec (\d+)$/m.exec(text) ?? []
  if (microseconds !== undefined) return Number(microseconds) / 1000
  if (!/^\d+\s*$/.test(text)) throw new Error(`no processor time in ${JSON.stringify(text)}`)
  return Number(text) / 1e6
}
