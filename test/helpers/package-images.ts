// SPDX-License-Identifier: Apache-2.0
// Images of the benchmark, baked with a snapshot for one package.
import test, { type ExecutionContext } from 'ava'
import { canImport, libraryOptions, pathOf } from '../../bench/images.js'
import { PACKAGES, type Package } from '../../bench/packages.js'
import { measuredInFull, PYTHONS, type Python } from '../../bench/pythons.js'
import { bakes } from './cli.js'
import { type BenchImage, ensureImage } from './images.js'
import { type Outcome, run } from './run.js'
import { SNAPSHOT, startContainer, withoutNoise } from './snapshot-image.js'
import { TIER } from './tier.js'

const isPossible = TIER === 'all' && process.arch === 'x64'
/** Freezing imports a package a dozen times; on a machine that does much else. */
const PATIENCE = ['--timeout', '10m']

/** The image that has a package, or why there is none. */
async function baseOf(python: Python, one: Package): Promise<string | Error> {
  if (!isPossible) return new Error('it is for the tier all, on x86-64')
  const base = await ensureImage(python.images[one.image] as BenchImage)
  if (base === undefined) return new Error('its base image cannot be made here')
  // What is not Debian's was left out where the index was out of reach.
  const refusal = one.pypi === undefined ? undefined : await canImport(base, python, one)
  return refusal === undefined ? base : new Error(refusal)
}

/** Declares a test of each package on each interpreter that is measured in full; a skip that says why where it has no image. */
export async function testPackages(
  isOne: (one: Package) => boolean,
  titleOf: (python: Python, one: Package) => string,
  check: (t: ExecutionContext, base: string, python: Python, one: Package) => Promise<void>,
): Promise<void> {
  const trials = []
  for (const python of measuredInFull(PYTHONS))
    for (const one of PACKAGES.filter(isOne)) trials.push({ python, one, base: await baseOf(python, one) })
  for (const { python, one, base } of trials) {
    const title = titleOf(python, one)
    if (base instanceof Error) test.skip(`${title} (${base.message})`, () => undefined)
    else test.serial(title, (t) => check(t, base, python, one))
  }
}

/** How programs start in an image that was baked for one: plain, or with the snapshot, which they must use. */
export type Starts = (way: 'plain' | 'thawed', program: string) => Promise<Outcome>

/** Bakes for a program that needs a package; undefined, which is logged: a snapshot would save too little. */
export async function withSnapshot(
  t: ExecutionContext,
  { base, python, one, program }: { base: string; python: Python; one: Package; program: string },
): Promise<Starts | undefined> {
  const name = `pycds-test-snapshot-package:${process.pid}`
  t.teardown(() => run('docker', ['image', 'rm', '--force', name]).then(() => undefined))
  const variables = Object.entries(pathOf(one)).map(([variable, value]) => `${variable}=${value}`)
  const command = ['/usr/bin/env', ...variables, python.executable, '-c', program]
  const options = ['-t', name, '--snapshot', ...PATIENCE, ...libraryOptions(one)]
  const { snapshot } = await bakes(t, [base, ...options, '--', ...command])
  if (snapshot?.reason) {
    t.log(`has none: ${snapshot.reason}`)
    t.regex(snapshot.reason, /less than a tenth saved/)
    return undefined
  }
  const env = variables.flatMap((variable) => ['--env', variable])
  return async (way, text) => {
    const snapshot = way === 'thawed' ? SNAPSHOT : 'off'
    const started = await startContainer(name, snapshot, ['--network', 'none', ...env], ['-c', text])
    if (way === 'thawed') t.regex(started.stderr, /^pycds\[1\]: snapshot thawed in/m)
    return withoutNoise(started)
  }
}
