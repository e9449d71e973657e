// SPDX-License-Identifier: Apache-2.0
// A bake without an engine against unpacking the same layers with `gunzip | tar x`, into the same file system, in turns.
import { mkdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { summarise } from '../../src/util/statistics.js'
import { makeBase } from '../images.js'
import { countEntries, type Layout, writeLayout } from '../layout.js'
import { measuredInFull } from '../pythons.js'
import { ROOT, run } from '../shell.js'
import type { Part } from './part.js'

const ROUNDS = 5
const UNPACK = 'for layer; do gunzip -c "$layer" | tar x --numeric-owner -C "$0" || exit 1; done'
/** Little is imported, so that what is measured is the way of the image. */
const COMMAND = ['--', 'python3', '-c', 'import json']

/** What one run has used. */
export interface Usage {
  readonly cpuSeconds: number
  readonly wallSeconds: number
  /** Of the largest process. */
  readonly peakBytes: number
}

export interface LocationCost {
  readonly image: string
  readonly entries: number
  readonly tar: readonly Usage[]
  readonly bake: readonly Usage[]
  /** Processor time of a bake, as a multiple of that of unpacking; medians. */
  readonly cpuRatio: number
  /** The largest of all rounds. */
  readonly peakBytes: number
}

export const location: Part = {
  name: 'location',
  title: 'a bake without an engine',
  async run({ options, folder, say }): Promise<LocationCost[]> {
    const rows: LocationCost[] = []
    for (const { images } of measuredInFull(options.pythons)) {
      const row = await measure(await makeBase(images.web), join(folder, 'location'))
      rows.push(row)
      say(describe(row))
    }
    return rows
  },
}

async function measure(image: string, folder: string): Promise<LocationCost> {
  await rm(folder, { recursive: true, force: true })
  await mkdir(folder, { recursive: true })
  try {
    const layout = await writeLayout(image, join(folder, 'layout'))
    const rows: { tar: Usage; bake: Usage }[] = []
    let entries = 0
    for (let round = 0; round < ROUNDS; round++) {
      const root = join(folder, 'root')
      const unpack = async () => {
        await mkdir(root)
        const used = await usageOf(['sh', '-c', UNPACK, root, ...layout.layers], folder)
        entries = await countEntries(root)
        await rm(root, { recursive: true })
        return used
      }
      const bake = () => bakeOf(layout, folder)
      // Each round begins with the other one.
      const first = round % 2 === 0 ? await unpack() : await bake()
      const second = round % 2 === 0 ? await bake() : await unpack()
      rows.push(round % 2 === 0 ? { tar: first, bake: second } : { tar: second, bake: first })
    }
    const [tar, baked] = [rows.map((row) => row.tar), rows.map((row) => row.bake)]
    const cpu = (list: readonly Usage[]) =>
      summarise(list.map(({ cpuSeconds }) => cpuSeconds))?.median ?? Number.NaN
    return {
      ...{ image, entries, tar, bake: baked },
      cpuRatio: cpu(baked) / cpu(tar),
      peakBytes: Math.max(...baked.map(({ peakBytes }) => peakBytes)),
    }
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

/** A bake into a layout of its own; what it unpacks lies beside what tar unpacks. */
async function bakeOf({ path }: Layout, folder: string): Promise<Usage> {
  const output = join(folder, 'output')
  const words = ['bake', `oci:${path}:1`, '-o', `oci:${output}:1`, '--measure', '0', '--progress', 'quiet']
  const used = await usageOf([process.execPath, join(ROOT, 'dist/bin/run.js'), ...words, ...COMMAND], folder)
  await rm(output, { recursive: true })
  return used
}

async function usageOf(command: readonly string[], folder: string): Promise<Usage> {
  const words = [join(ROOT, 'bench/usage.py'), ...command]
  return JSON.parse(await run('python3', words, { env: { TMPDIR: folder } })) as Usage
}

/** `pycds-test/x, 41000 entries: 2.1x the processor time of gunzip | tar (1.9x to 2.4x), 180 MB at most`. */
export function describe({ image, entries, tar, bake, cpuRatio, peakBytes }: LocationCost): string {
  const ratios = bake.map(({ cpuSeconds }, round) => cpuSeconds / (tar[round]?.cpuSeconds ?? Number.NaN))
  const spread = summarise(ratios)
  return (
    `${image}, ${entries} entries: ${cpuRatio.toFixed(2)}x the processor time of gunzip | tar ` +
    `(${spread?.min.toFixed(2)}x to ${spread?.max.toFixed(2)}x), ${Math.round(peakBytes / 1e6)} MB at most`
  )
}
