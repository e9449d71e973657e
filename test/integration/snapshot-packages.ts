// SPDX-License-Identifier: Apache-2.0
// The packages of the benchmark, each imported in the snapshot of an image of its own: whatever a program can see of its modules
// and of its process is what it sees in a plain start.
import { readFileSync } from 'node:fs'
import test, { type ExecutionContext } from 'ava'
import { canImport, pathOf } from '../../bench/images.js'
import { PACKAGES, type Package, plainProgram } from '../../bench/packages.js'
import { measuredInFull, PYTHONS, type Python } from '../../bench/pythons.js'
import { bakes } from '../helpers/cli.js'
import { type BenchImage, ensureImage } from '../helpers/images.js'
import { inRepository } from '../helpers/repository.js'
import { DEADLINE_MS, run } from '../helpers/run.js'
import { SNAPSHOT, startContainer, withoutNoise } from '../helpers/snapshot-image.js'
import { TIER } from '../helpers/tier.js'

const OBSERVER = readFileSync(inRepository('test/fixtures/snapshot/warm.py'), 'utf8')
/** An engine gives those of a command line in any order; the observer prints them once more, sorted. */
const VARIABLES = /^posix\.environ .*/m
/** OpenBLAS starts its own with their first use, as docs/compatibility.md says. */
const THREADS = /'Threads:\\t\d+\\n'/
/** Freezing imports a package a dozen times; on a machine that does much else. */
const PATIENCE = ['--timeout', '10m']
/** What differs between two plain starts says nothing. */
const PLAIN_STARTS = 3
/** Of a line, characters. */
const MOST_SHOWN = 300
/** Of the lines of a start: more than that and something else is wrong. */
const MOST_UNSTEADY = 0.01

const isPossible = TIER === 'all' && process.arch === 'x64'

/** The image that has a package, or why there is none. */
async function baseOf(python: Python, one: Package): Promise<string | Error> {
  if (!isPossible) return new Error('it is for the tier all, on x86-64')
  const base = await ensureImage(python.images[one.image] as BenchImage)
  if (base === undefined) return new Error('its base image cannot be made here')
  // What is not Debian's was left out where the index was out of reach.
  const refusal = one.pypi === undefined ? undefined : await canImport(base, python, one)
  return refusal === undefined ? base : new Error(refusal)
}

const trials = []
for (const python of measuredInFull(PYTHONS))
  for (const one of PACKAGES.filter(({ program }) => !program))
    trials.push({ python, one, base: await baseOf(python, one) })

for (const { python, one, base } of trials) {
  const title = `${python.id}: a program that imports ${one.name} sees the same in its snapshot`
  if (base instanceof Error) test.skip(`${title} (${base.message})`, () => undefined)
  else test.serial(title, (t) => seesTheSame(t, base, python, one))
}

async function seesTheSame(t: ExecutionContext, base: string, python: Python, one: Package): Promise<void> {
  t.timeout(2 * DEADLINE_MS)
  const name = `pycds-test-snapshot-package:${process.pid}`
  t.teardown(() => run('docker', ['image', 'rm', '--force', name]).then(() => undefined))
  const program = plainProgram(one)
  const variables = Object.entries(pathOf(one)).map(([variable, value]) => `${variable}=${value}`)
  // What lies outside of a site directory is no library to a bake.
  const outside = variables.length > 0 ? ['--snapshot-include', '*'] : []
  const command = ['/usr/bin/env', ...variables, python.executable, '-c', program]
  const { snapshot } = await bakes(t, [
    base,
    '-t',
    name,
    '--snapshot',
    ...PATIENCE,
    ...outside,
    '--',
    ...command,
  ])
  if (snapshot?.reason) {
    t.log(`has none: ${snapshot.reason}`)
    t.regex(snapshot.reason, /less than a tenth saved/)
    return
  }
  const start = async (snapshot: string) => {
    const env = variables.flatMap((variable) => ['--env', variable])
    const started = await startContainer(
      name,
      snapshot,
      ['--network', 'none', ...env],
      ['-c', `${program}\n${OBSERVER}`],
    )
    if (snapshot === SNAPSHOT) t.regex(started.stderr, /^pycds\[1\]: snapshot thawed in/m)
    const ended = withoutNoise(started)
    t.is(ended.code, 0, ended.stderr)
    const steady = ended.stdout.replace(VARIABLES, '')
    const text = one.image === 'native' ? steady.replace(THREADS, '') : steady
    return { stderr: ended.stderr, lines: text.split('\n') }
  }
  const plain = [await start('off')]
  while (plain.length < PLAIN_STARTS) plain.push(await start('off'))
  const thawed = await start(SNAPSHOT)
  for (const { stderr, lines } of plain) {
    t.is(thawed.stderr, stderr)
    t.is(thawed.lines.length, lines.length)
  }
  /** What plain starts have in this place. */
  const others = (index: number) => new Set(plain.map(({ lines }) => lines[index]))
  const differing = [...thawed.lines.entries()].filter(([index, line]) => !others(index).has(line))
  t.true(differing.length < MOST_UNSTEADY * thawed.lines.length)
  const ours = differing.filter(([index]) => others(index).size === 1)
  t.deepEqual(
    ours.map(([, line]) => line.slice(0, MOST_SHOWN)),
    [],
  )
}
