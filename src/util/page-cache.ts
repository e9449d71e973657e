// SPDX-License-Identifier: Apache-2.0
// Empties the page cache of this machine, for measurements of a first start.
import { access, constants, readFile, writeFile } from 'node:fs/promises'

const SYSRQ = '/proc/sysrq-trigger'
const SYNC = 's'
/** Other work always leaves a little to be written. */
const CLEAN_KILOBYTES = 2000
const SYNC_DEADLINE_MS = 10_000
const CONTROL = '/proc/sys/vm/drop_caches'
/** How the address of an engine on this machine begins: a socket, or no engine at all. */
const LOCAL = ['unix://', '/', 'this machine']
/** Page cache, and names and inodes: a node that never ran the image has none of them. */
const EVERYTHING = '3'

export const pageCache = {
  async refusal(endpoint: string): Promise<string | undefined> {
    if (!LOCAL.some((start) => endpoint.startsWith(start))) {
      return `the engine at ${endpoint} may be another machine, whose page cache cannot be emptied from here`
    }
    const isWritable = await access(CONTROL, constants.W_OK).then(
      () => true,
      () => false,
    )
    return isWritable ? undefined : 'emptying the page cache needs root on Linux'
  },

  async drop(): Promise<void> {
    synced ??= sync()
    await synced
    await writeFile(CONTROL, EVERYTHING)
  },
}

let synced: Promise<void> | undefined

/** What was just written, such as a new layer, stays in memory until it is on disk. */
async function sync(): Promise<void> {
  const asked = await writeFile(SYSRQ, SYNC).then(
    () => true,
    () => false,
  )
  const deadline = performance.now() + SYNC_DEADLINE_MS
  while (asked && (await unwrittenKilobytes()) > CLEAN_KILOBYTES && performance.now() < deadline) {
    await new Promise((resolve) => setTimeout(resolve, 100))
  }
}

async function unwrittenKilobytes(): Promise<number> {
  const text = await readFile('/proc/meminfo', 'utf8')
  const values = [...text.matchAll(/^(?:Dirty|Writeback):\s+(\d+) kB$/gm)]
  return values.reduce((sum, [, kilobytes]) => sum + Number(kilobytes), 0)
}
