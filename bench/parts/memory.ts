// SPDX-License-Identifier: Apache-2.0
// Memory of ten containers: what a node pays for a baked image that many run.
import { readFile } from 'node:fs/promises'
import { bake, makeBase, removeImage } from '../images.js'
import { PACKAGES } from '../packages.js'
import { measuredInFull } from '../pythons.js'
import { ROOT, run } from '../shell.js'
import type { Part } from './part.js'

const CONTAINERS = 10
const READY_DEADLINE_MS = 60_000

export interface Memory {
  readonly python: string
  readonly package: string
  readonly containers: number
  /** Sum of the proportional set sizes of their Python processes, bytes. */
  readonly plainPssBytes: number
  readonly pycdsPssBytes: number
}

export const memory: Part = {
  name: 'memory',
  title: 'memory of ten containers',
  async run({ options, say }): Promise<Memory[]> {
    const rows: Memory[] = []
    const one = PACKAGES.find(({ name }) => name === 'boto3')
    if (!one) throw new Error('boto3 is not among the packages')
    for (const python of measuredInFull(options.pythons)) {
      const base = await makeBase(python.images.web)
      const tag = `pycds-bench/memory-${python.id}:pycds`
      try {
        await bake(ROOT, base, tag, python, one)
        const code = [...one.lines, 'import time', 'print("ready", flush=True)', 'time.sleep(600)'].join('\n')
        const [plainPssBytes, pycdsPssBytes] = [
          await pssOf(base, [python.executable, '-c', code]),
          await pssOf(tag, [python.executable, '-c', code]),
        ]
        rows.push({
          python: python.id,
          package: one.name,
          containers: CONTAINERS,
          plainPssBytes,
          pycdsPssBytes,
        })
        say(`memory: ${JSON.stringify(rows.at(-1))}`)
      } finally {
        await removeImage(tag)
      }
    }
    return rows
  },
}

/**
 * All processes of several containers together; bytes.
 * @param words a program that says `ready`, and waits
 */
export async function pssOf(
  image: string,
  words: readonly string[],
  containers: number = CONTAINERS,
): Promise<number> {
  const ids: string[] = []
  try {
    for (let count = 0; count < containers; count++) {
      const id = await run('docker', ['run', '--rm', '--detach', '--network', 'none', image, ...words])
      ids.push(id.trim())
    }
    let sum = 0
    for (const id of ids) {
      await untilReady(id)
      for (const pid of await processesOf(id))
        sum += parsePss(await readFile(`/proc/${pid}/smaps_rollup`, 'utf8'))
    }
    return sum
  } finally {
    if (ids.length > 0) await run('docker', ['rm', '--force', ...ids])
  }
}

/** Numbers of a container's processes, as this machine counts them. */
async function processesOf(id: string): Promise<string[]> {
  return (await run('docker', ['top', id, '-o', 'pid'])).match(/^\d+$/gm) ?? []
}

async function untilReady(id: string): Promise<void> {
  const deadline = performance.now() + READY_DEADLINE_MS
  while (!(await run('docker', ['logs', id])).includes('ready')) {
    if (performance.now() > deadline) throw new Error(`container ${id} did not get ready`)
    await new Promise((resolve) => setTimeout(resolve, 200))
  }
}

/** Bytes of `Pss:` in a file of /proc. */
export function parsePss(text: string): number {
  const [, kilobytes] = /^Pss:\s+(\d+) kB$/m.exec(text) ?? []
  if (kilobytes === undefined) throw new Error('no Pss in smaps_rollup')
  return Number(kilobytes) * 1024
}
