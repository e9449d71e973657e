// SPDX-License-Identifier: Apache-2.0
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { ROOT, run } from './shell.js'

/** Who takes part: a command in a root directory. */
export interface Starter {
  readonly root: string
  readonly argv: readonly string[]
  readonly env: Readonly<Record<string, string>>
}

/** One start. Milliseconds. */
export interface Start {
  readonly round: number
  readonly starter: number
  readonly process: number
  readonly processCpu: number
  readonly phase: number
  readonly phaseCpu: number
  readonly majorFaults: number
  readonly minorFaults: number
  /** When it began, by the monotonic clock. */
  readonly began: number
}

let compiled: Promise<string> | undefined

/** Starts every contestant once a round, in turns; the page cache is dropped before each start when `cold`. */
export async function drive(starters: readonly Starter[], rounds: number, cold: boolean): Promise<Start[]> {
  compiled ??= compile()
  const list = (values: readonly string[]) => [String(values.length), ...values]
  const fields = [
    ...[String(rounds), cold ? '1' : '0', String(starters.length)],
    ...starters.flatMap((one) => [
      one.root,
      ...list(one.argv),
      ...list(Object.entries(one.env).map(([name, value]) => `${name}=${value}`)),
    ]),
  ]
  const output = await run(await compiled, [], { input: `${fields.join('\0')}\0` })
  return parseStarts(output)
}

export function parseStarts(output: string): Start[] {
  return output
    .trim()
    .split('\n')
    .filter(Boolean)
    .map((line) => {
      const numbers = line.split(' ').map(Number)
      const [round = 0, starter = 0, wall = 0, cpu = 0, phase = 0, phaseCpu = 0] = numbers
      const [majorFaults = 0, minorFaults = 0, began = 0] = numbers.slice(6)
      return {
        ...{ round, starter, majorFaults, minorFaults, began: began / 1e6 },
        ...{ process: wall / 1e6, processCpu: cpu / 1e6, phase: phase / 1e6, phaseCpu: phaseCpu / 1e6 },
      }
    })
}

async function compile(): Promise<string> {
  const folder = join(ROOT, 'bench/build')
  await mkdir(folder, { recursive: true })
  const file = join(folder, 'driver')
  await run('cc', ['-O2', '-Wall', '-Wextra', '-o', file, join(ROOT, 'bench/driver/driver.c')])
  return file
}
