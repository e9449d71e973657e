// SPDX-License-Identifier: Apache-2.0
// The ways in which an application is started and compared: each start goes the way that it is to go, and all answer the same.
import type { Place, Program, ReadyStart } from './containers.js'
import { run } from './shell.js'

/** `bare` runs nothing in the plain image; `atOnce`: the entrypoint goes on in the snapshot, without a Python that is started first. */
export type Way = 'bare' | 'plain' | 'archive' | 'snapshot' | 'atOnce'

/** Entrypoint and command of an image, one after the other. */
export async function commandOf(
  image: string,
  engine: Readonly<Record<string, string>> = {},
): Promise<string[]> {
  const words = ['image', 'inspect', '--format', '{{json .Config}}', image]
  const text = await run('docker', words, { env: engine })
  const { Entrypoint, Cmd } = JSON.parse(text) as { Entrypoint: string[] | null; Cmd: string[] | null }
  return [...(Entrypoint ?? []), ...(Cmd ?? [])]
}

/**
 * How an application is started in each way. One image has all that is baked, so that each is baked once: where its
 * entrypoint goes on at once, the others are started by the words that the plain image has.
 */
export function waysOf(
  plain: string,
  image: string,
  words: readonly string[],
  { hasSnapshot, isAtOnce }: { hasSnapshot: boolean; isAtOnce: boolean },
): [Way, Program][] {
  const original = isAtOnce ? { image, words } : { image }
  return [
    ['bare', { image: plain, words: ['/bin/sh', '-c', ':'] }],
    ['plain', { image: plain }],
    ['archive', { ...original, env: { PYCDS_SNAPSHOT: 'off' } }],
    ...(hasSnapshot ? [['snapshot', original] as [Way, Program]] : []),
    ...(isAtOnce ? [['atOnce', { image }] as [Way, Program]] : []),
  ]
}

/** @throws an Error where one starts otherwise than it is called */
export async function checkUse(ways: [Way, Program][], place: Place): Promise<void> {
  for (const [way, program] of ways) {
    if (way === 'bare' || way === 'plain') continue
    const said = await place.log({ ...program, env: { ...program.env, PYCDS_LOG: '1' } })
    const problem = misuseOf(way, said)
    if (problem !== undefined) throw new Error(`${way}: ${problem}`)
  }
}

/** What a start that was to go one way says of another; undefined: it went so. */
export function misuseOf(way: Way, said: string): string | undefined {
  const lines = said.split('\n').filter((line) => line.startsWith('pycds['))
  const thawed = lines.some((line) => /: snapshot .*\bthawed\b/.test(line))
  const hook = lines.find((line) => line.includes(': not at once: '))
  if (way === 'archive') return thawed ? 'the snapshot was used though it was switched off' : undefined
  if (!thawed) return `the snapshot is not used: ${lines[0] ?? 'nothing is said of it'}`
  return way === 'atOnce' && hook !== undefined ? hook : undefined
}

/** One round that does not count, then those that do, each beginning with another way. */
export async function inTurns(
  ways: [Way, Program][],
  { rounds, place }: { rounds: number; place: Place },
): Promise<Map<Way, ReadyStart[]>> {
  const starts = new Map(ways.map(([way]): [Way, ReadyStart[]] => [way, []]))
  let expected: string | undefined
  for (let round = -1; round < rounds; round++) {
    for (const turn of ways.keys()) {
      const [way, program] = ways[(turn + Math.max(round, 0)) % ways.length] ?? []
      if (way === undefined || program === undefined) continue
      const start = await (way === 'bare' ? place.untilEnd(program) : place.start(program))
      if (way === 'plain') expected ??= start.answer
      const difference = way === 'bare' ? undefined : differenceOf(expected ?? '', start.answer)
      if (difference !== undefined) throw new Error(`${way} answers otherwise than plain: ${difference}`)
      if (round >= 0) starts.get(way)?.push(start)
    }
  }
  return starts
}

/** Where two answers part; undefined: nowhere. */
export function differenceOf(expected: string, answer: string): string | undefined {
  if (answer === expected) return undefined
  const [before, after] = [expected.split('\n'), answer.split('\n')]
  const index = before.findIndex((line, number) => line !== after[number])
  const line = index < 0 ? before.length : index
  const show = (text: string | undefined) =>
    text === undefined ? 'nothing' : JSON.stringify(text.slice(0, 200))
  return `line ${line + 1} is ${show(after[line])} in place of ${show(before[line])}`
}
