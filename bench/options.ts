// SPDX-License-Identifier: Apache-2.0
import { resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { CONTESTANTS, type ContestantName } from './contestants.js'
import { PACKAGES, type Package, QUICK_PACKAGES } from './packages.js'
import { PARTS } from './parts/index.js'
import type { Part } from './parts/part.js'
import { PYTHONS, type Python } from './pythons.js'

export const USAGE = `npm run bench -- [OPTIONS]           measures; a run that was interrupted goes on
npm run bench -- --quick             five packages on CPython 3.11, in about three minutes
npm run bench -- report              writes docs/performance.md and the README's means from the saved figures

  --packages A,B       default: all (${PACKAGES.map((one) => one.name).join(', ')}); "none" for none
  --python A,B         default: all (${PYTHONS.map((one) => one.id).join(', ')})
  --contestants A,B    default: all (${CONTESTANTS.join(', ')})
  --runs N             starts of each contestant for each package and each application; default 21
  --cold-runs N        the same with the page cache dropped before each start; default 7, 0 for none
  --image REFERENCE    an image of the engine that has the packages, in the place of those that are made for the benchmark
  --other DIR          another built checkout, measured in the same run as contestant "other"
  --results FILE       default: bench/results/full.json, quick.json with --quick
  --parts A,B          beside the times of packages; default: all (${PARTS.map((part) => part.name).join(', ')}),
                       with --quick none; "none" for none
  --fresh              forget what is saved in that file`

export interface Options {
  readonly report: boolean
  readonly quick: boolean
  readonly packages: readonly Package[]
  readonly pythons: readonly Python[]
  readonly contestants: readonly ContestantName[]
  readonly parts: readonly Part[]
  readonly runs: number
  readonly coldRuns: number
  readonly other: string | undefined
  readonly results: string
  readonly fresh: boolean
}

/** Reads the command line; throws an Error whose message is for its user. */
export function parseOptions(argv: readonly string[]): Options {
  const { values, positionals } = parseArgs({
    args: [...argv],
    allowPositionals: true,
    options: {
      quick: { type: 'boolean', default: false },
      packages: { type: 'string' },
      python: { type: 'string' },
      contestants: { type: 'string' },
      parts: { type: 'string' },
      runs: { type: 'string' },
      'cold-runs': { type: 'string' },
      image: { type: 'string' },
      other: { type: 'string' },
      results: { type: 'string' },
      fresh: { type: 'boolean', default: false },
    },
  })
  const [verb, ...rest] = positionals
  if ((verb !== undefined && verb !== 'report') || rest.length > 0) {
    throw new Error(`unexpected ${positionals.join(' ')}`)
  }
  const { quick } = values
  const other = values.other === undefined ? undefined : resolve(values.other)
  const contestants: readonly ContestantName[] = quick ? ['plain', 'cds', 'pycds', 'other'] : CONTESTANTS
  return {
    report: verb === 'report',
    quick,
    packages: choosePackages(values.packages ?? (quick ? QUICK_PACKAGES.join() : undefined)),
    pythons: choose('python', PYTHONS, (one) => one.id, values.python ?? (quick ? '3.11' : undefined)).map(
      (one) => (values.image === undefined ? one : inImage(one, values.image)),
    ),
    contestants: choose(
      'contestant',
      CONTESTANTS,
      (one) => one,
      values.contestants ?? contestants.join(),
    ).filter((name) => name !== 'other' || other !== undefined),
    parts: chooseParts(values.parts, quick),
    runs: count('--runs', values.runs ?? '21', 1),
    coldRuns: count('--cold-runs', values['cold-runs'] ?? (quick ? '0' : '7'), 0),
    other,
    results: resolve(values.results ?? `bench/results/${quick ? 'quick' : 'full'}.json`),
    // A yardstick that shows what it measured an hour ago is none.
    fresh: values.fresh || quick,
  }
}

/** With a reference that is no name of a base image. */
function inImage(python: Python, image: string): Python {
  if (!/[/:]/.test(image)) throw new Error(`--image ${image}: give its tag, too`)
  return { ...python, images: { web: image, native: image } }
}

function choosePackages(text: string | undefined): Package[] {
  return text === 'none' ? [] : choose('package', PACKAGES, (one) => one.name, text)
}

function chooseParts(text: string | undefined, quick: boolean): Part[] {
  if (text === 'none' || (quick && text === undefined)) return []
  return choose('part', PARTS, (part) => part.name, text)
}

function choose<T>(
  what: string,
  all: readonly T[],
  nameOf: (one: T) => string,
  text: string | undefined,
): T[] {
  if (text === undefined) return [...all]
  return text.split(',').map((name) => {
    const found = all.find((one) => nameOf(one) === name.trim())
    if (found === undefined) throw new Error(`unknown ${what} ${name}; one of: ${all.map(nameOf).join(', ')}`)
    return found
  })
}

function count(flag: string, text: string, minimum: number): number {
  const value = /^\d{1,4}$/.test(text) ? Number(text) : Number.NaN
  if (!(value >= minimum)) throw new Error(`${flag} ${text}: not a whole number from ${minimum} to 9999`)
  return value
}
