// SPDX-License-Identifier: Apache-2.0
// Empties the page cache of this machine, for measurements of a first start.
import { access, constants, readFile, writeFile } from 'node:fs/promises'

const SYNC = 's'
/** Other work always leaves a little to be written. */
const CLEAN_KILOBYTES = 2000
const SYNC_DEADLINE_MS = 10_000
/** Page cache, and names and inodes: a node that never ran the image has none of them. */
const EVERYTHING = '3'

/** Where Linux has what is needed. */
const FILES = {
  sysrq: '/proc/sysrq-trigger',
  control: '/proc/sys/vm/drop_caches',
  meminfo: '/proc/meminfo',
} as const

export class MachinePageCache {
  readonly #files: Record<keyof typeof FILES, string>
  #synced: Promise<void> | undefined

  constructor(files: Record<keyof typeof FILES, string> = FILES) {
    this.#files = files
  }

  async refusal(engine: { readonly endpoint: string; readonly local: boolean }): Promise<string | undefined> {
    if (!engine.local) {
      return `the engine at ${engine.endpoint} may be another machine, whose page cache cannot be emptied from here`
    }
    const isWritable = await access(this.#files.control, constants.W_OK).then(
      () => true,
      () => false,
    )
    return isWritable ? undefined : 'emptying the page cache needs root on Linux'
  }

  async drop(): Promise<void> {
    this.#synced ??= this.#sync()
    await this.#synced
    await writeFile(this.#files.control, EVERYTHING)
  }

  /** What was just written, such as a new layer, stays in memory until it is on disk. */
  async #sync(): Promise<void> {
    const { sysrq, meminfo } = this.#files
    const asked = await writeFile(sysrq, SYNC).then(
      () => true,
      () => false,
    )
    const deadline = performance.now() + SYNC_DEADLINE_MS
    while (asked && (await unwrittenKilobytes(meminfo)) > CLEAN_KILOBYTES && performance.now() < deadline) {
      await new Promise((resolve) => setTimeout(resolve, 100))
    }
  }
}

async function unwrittenKilobytes(meminfo: string): Promise<number> {
  const text = await readFile(meminfo, 'utf8')
  const values = [...text.matchAll(/^(?:Dirty|Writeback):\s+(\d+) kB$/gm)]
  return values.reduce((sum, [, kilobytes]) => sum + Number(kilobytes), 0)
}
