// SPDX-License-Identifier: Apache-2.0
// The packages of the benchmark, each imported in the snapshot of an image of its own: whatever a program can see of its modules
// and of its process is what it sees in a plain start.
import { readFileSync } from 'node:fs'
import type { ExecutionContext } from 'ava'
import { type Package, plainProgram } from '../../bench/packages.js'
import type { Python } from '../../bench/pythons.js'
import { type Starts, testPackages, withSnapshot } from '../helpers/package-images.js'
import { inRepository } from '../helpers/repository.js'
import { DEADLINE_MS } from '../helpers/run.js'

const OBSERVER = readFileSync(inRepository('test/fixtures/snapshot/warm.py'), 'utf8')
/** An engine gives those of a command line in any order; the observer prints them once more, sorted. */
const VARIABLES = /^posix\.environ .*/m
/** OpenBLAS starts its own with their first use, as docs/compatibility.md says. */
const THREADS = /'Threads:\\t\d+\\n'/
/** What differs between two plain starts says nothing. */
const PLAIN_STARTS = 5
/** Characters of what is said of a name. */
const MOST_SHOWN = 300
/** Of the names: more than that and something else is wrong. */
const MOST_UNSTEADY = 0.01

await testPackages(
  ({ program }) => !program,
  (python, one) => `${python.id}: a program that imports ${one.name} sees the same in its snapshot`,
  seesTheSame,
)

async function seesTheSame(t: ExecutionContext, base: string, python: Python, one: Package): Promise<void> {
  t.timeout(2 * DEADLINE_MS)
  const program = plainProgram(one)
  const starts = await withSnapshot(t, { base, python, one, program })
  if (starts === undefined) return
  const start = async (way: Parameters<Starts>[0]) => {
    const ended = await starts(way, `${program}\n${OBSERVER}`)
    t.is(ended.code, 0, ended.stderr)
    const steady = ended.stdout.replace(VARIABLES, '')
    const text = one.image === 'native' ? steady.replace(THREADS, '') : steady
    return { stderr: ended.stderr, facts: factsOf(text.split('\n')) }
  }
  const plain = [await start('plain')]
  while (plain.length < PLAIN_STARTS) plain.push(await start('plain'))
  const thawed = await start('thawed')
  for (const { stderr } of plain) t.is(thawed.stderr, stderr)
  const names = new Set([...plain, thawed].flatMap(({ facts }) => [...facts.keys()]))
  const differing = [...names]
    .map((name) => ({
      name,
      before: new Set(plain.map(({ facts }) => facts.get(name))),
      now: thawed.facts.get(name),
    }))
    .filter(({ before, now }) => !before.has(now))
  t.true(differing.length < MOST_UNSTEADY * names.size)
  const ours = differing.filter(({ before }) => before.size === 1)
  t.deepEqual(
    ours.map(({ name, before, now }) => [name, [...before].map(shortened), shortened(now)]),
    [],
  )
}

/**
 * What the observer says of each name, and of each module the order of its names: a set of texts, which goes by the secret of
 * `hash()`, may give them one after the other.
 */
function factsOf(lines: readonly string[]): Map<string, string> {
  const facts = new Map<string, string>()
  const add = (key: string, text: string) => facts.set(key, `${facts.get(key) ?? ''}${text}\n`)
  for (const line of lines) {
    const name = line.slice(0, line.indexOf(' '))
    add(name, line.slice(name.length))
    const dot = name.lastIndexOf('.')
    if (dot !== -1) add(`names in ${name.slice(0, dot)}`, name.slice(dot + 1))
  }
  return facts
}

function shortened(text = 'nothing'): string {
  return text.slice(0, MOST_SHOWN)
}
