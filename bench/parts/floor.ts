// SPDX-License-Identifier: Apache-2.0
// The measured floor of each package: see floor.py.
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { median } from '../../src/util/statistics.js'
import { environmentOf, makeBase } from '../images.js'
import type { Package } from '../packages.js'
import { measuredInFull, type Python } from '../pythons.js'
import { mountImage } from '../roots.js'
import { ROOT, run } from '../shell.js'
import type { Part } from './part.js'

const ROUNDS = 15

export interface Floor {
  readonly python: string
  readonly package: string
  /** How many times as fast an ideal loader is; of the processor's time. */
  readonly factor: number
  readonly cpuFactor: number
}

export const floor: Part = {
  name: 'floor',
  title: 'what an ideal loader would reach',
  async run({ options, results, folder, say, save }): Promise<Floor[]> {
    const known = (results.parts['floor so far'] ?? []) as Floor[]
    const rows = [...known]
    const script = await readFile(join(ROOT, 'bench/floor.py'), 'utf8')
    for (const python of measuredInFull(options.pythons)) {
      for (const one of options.packages) {
        if (rows.some((row) => row.python === python.id && row.package === one.name)) continue
        const row = await measure(python, one, script, folder).catch((error: unknown) => error as Error)
        if (row instanceof Error) {
          say(`floor, ${python.id} ${one.name}: ${row.message.trim().split('\n').at(-1)}`)
          continue
        }
        rows.push(row)
        say(`floor, ${python.id} ${one.name}: ${row.factor.toFixed(2)}x, cpu ${row.cpuFactor.toFixed(2)}x`)
        // Resumes here: the part is done only when its result is returned.
        results.parts['floor so far'] = rows
        await save()
      }
    }
    delete results.parts['floor so far']
    return rows
  },
}

async function measure(python: Python, one: Package, script: string, folder: string): Promise<Floor> {
  const root = await mountImage(await makeBase(python.images[one.image]), join(folder, 'floor'))
  try {
    const env = Object.entries(environmentOf(one)).map(([name, value]) => `${name}=${value}`)
    const command = [root.path, '/usr/bin/env', '-i', ...env, python.executable, '-c', script, String(ROUNDS)]
    const output = await run('nice', ['-n', '-20', 'chroot', ...command], {
      input: `${one.lines.join('\n')}\n`,
    })
    const rounds = output
      .trim()
      .split('\n')
      .map((line) => line.split(' ').map(Number))
    const factorOf = (plain: number, ideal: number) =>
      median(rounds.map((round) => round[plain] ?? Number.NaN)) /
      median(rounds.map((round) => round[ideal] ?? Number.NaN))
    return { python: python.id, package: one.name, factor: factorOf(0, 2), cpuFactor: factorOf(1, 3) }
  } finally {
    await root.unmount()
  }
}
