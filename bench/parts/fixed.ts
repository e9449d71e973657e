// SPDX-License-Identifier: Apache-2.0
// What hook and archive cost a process that imports nothing of the archive.
import { median } from '../../src/util/statistics.js'
import { prepare } from '../contestants.js'
import { drive, type Start } from '../driver.js'
import { PACKAGES } from '../packages.js'
import { measuredInFull } from '../pythons.js'
import type { Cost, Part } from './part.js'

const ROUNDS = 101

export interface FixedCost {
  readonly python: string
  readonly modules: number
  readonly archiveBytes: number
  readonly plain: Cost
  readonly off: Cost
  readonly pycds: Cost
}

/** `python -c pass` in the image baked for boto3: plain, with PYCDS=off, and with the archive in use. */
export const fixed: Part = {
  name: 'fixed',
  title: 'fixed cost of hook and archive',
  async run({ folder, options, say }): Promise<FixedCost[]> {
    const costs: FixedCost[] = []
    const boto3 = PACKAGES.find((one) => one.name === 'boto3')
    if (!boto3) throw new Error('boto3 is not among the packages')
    for (const python of measuredInFull(options.pythons)) {
      const prepared = await prepare(python, boto3, { names: ['plain', 'pycds'], folder })
      try {
        const [plain, baked] = prepared.ready
        if (!plain || !baked?.baked) throw new Error(JSON.stringify(prepared.absent))
        const argv = [python.executable, '-c', 'pass']
        const off = { ...baked.starter, argv, env: { ...baked.starter.env, PYCDS: 'off' } }
        const starts = await drive(
          [{ ...plain.starter, argv }, off, { ...baked.starter, argv }],
          ROUNDS,
          false,
        )
        const cost = (index: number) => toCost(starts.filter((start) => start.starter === index))
        const { modules, archiveBytes } = baked.baked
        costs.push({
          ...{ python: python.id, modules, archiveBytes },
          ...{ plain: cost(0), off: cost(1), pycds: cost(2) },
        })
        say(`fixed cost, ${python.id}: ${JSON.stringify(costs.at(-1))}`)
      } finally {
        await prepared.close()
      }
    }
    return costs
  },
}

export function toCost(starts: readonly Start[]): Cost {
  return {
    wallMs: median(starts.map((start) => start.process)),
    cpuMs: median(starts.map((start) => start.processCpu)),
  }
}
