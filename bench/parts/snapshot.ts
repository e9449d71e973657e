// SPDX-License-Identifier: Apache-2.0
// Packages with a process snapshot: bare, plain, archive and snapshot in turns, until the import is done and until the end.
import { loadavg } from 'node:os'
import { join } from 'node:path'
import { type Summary, summarise } from '../../src/util/statistics.js'
import { drive, type Start, type Starter } from '../driver.js'
import {
  type Baked,
  bake,
  canImport,
  environmentOf,
  libraryOptions,
  makeBase,
  pathOf,
  removeImage,
  type Snapshot,
} from '../images.js'
import { NOTHING, type Package, plainProgram, TIMES } from '../packages.js'
import type { Python } from '../pythons.js'
import { mountImage, type Root } from '../roots.js'
import { ROOT, run } from '../shell.js'
import { measureEach, type Part, type PartContext } from './part.js'

const WARM_ROUNDS = 15
const COLD_ROUNDS = 5
/** A start that compiles takes many times as long. */
const COMPILED_ROUNDS = 5
const METRICS = ['done', 'doneCpu', 'process', 'processCpu'] as const

/**
 * `bare` imports nothing; `snapshot` is by the hook, of a Python that has started; `atOnce` instead of one; `unknown` is a main program that the trace of the bake does not know, which therefore has the archive
 * alone; `other` is the snapshot that another checkout makes.
 */
export type Kind = 'bare' | 'plain' | 'archive' | 'snapshot' | 'atOnce' | 'unknown' | 'other'

/** The image as it is shipped, or without any bytecode file. */
type Shipped = 'bytecode' | 'no bytecode'

/** Of starts of one kind, milliseconds. */
export interface SnapshotTimes {
  /** From the start of the process until its import is done. */
  readonly done: Summary
  readonly doneCpu: Summary
  readonly process: Summary
  readonly processCpu: Summary
}

export interface SnapshotRow {
  readonly python: string
  readonly package: string
  readonly snapshot: Snapshot
  /** Of the layer, the snapshot in it. */
  readonly layerCompressedBytes: number
  /** None where no snapshot was shipped. */
  readonly warm: Partial<Record<Kind, SnapshotTimes>>
  readonly cold: Partial<Record<Kind, SnapshotTimes>>
  /** Processes that were ready to run on the machine while it was measured. */
  readonly load: number
}

export const snapshot = partOf('snapshot', 'process snapshots', 'bytecode')

export const snapshotWithoutBytecode = partOf(
  'snapshot-nopyc',
  'process snapshots of images without bytecode',
  'no bytecode',
)

function partOf(name: string, title: string, shipped: Shipped): Part {
  return {
    name,
    title,
    goesOn: true,
    run: (context) =>
      measureEach(name, context, context.options.packages, {
        make: (python, one) => makeImage(python, one, shipped),
        measure: async (python, one, given) => {
          const row = await measure(python, one, shipped, given)
          return typeof row === 'string' ? row : [row]
        },
        describe,
      }),
  }
}

/** The image of a package and what was baked from it. */
interface Made {
  readonly base: string
  readonly baked: Baked & { readonly snapshot: Snapshot }
}

const made = new Map<string, Promise<Made | string>>()

/** Bakes the image of a package with a snapshot, once until `discardImage`; or why there is none. */
export function makeImage(
  python: Python,
  one: Package,
  shipped: Shipped = 'bytecode',
): Promise<Made | string> {
  const tag = tagOf(python, one, shipped)
  const known = made.get(tag) ?? bakeWithSnapshot(python, one, shipped, tag)
  made.set(tag, known)
  return known
}

export async function discardImage(
  python: Python,
  one: Package,
  shipped: Shipped = 'bytecode',
): Promise<void> {
  const tag = tagOf(python, one, shipped)
  made.delete(tag)
  await removeImage(tag)
}

async function bakeWithSnapshot(
  python: Python,
  one: Package,
  shipped: Shipped,
  tag: string,
): Promise<Made | string> {
  const suffix = shipped === 'bytecode' ? '' : '-nopyc'
  const base = await makeBase(`${python.images[one.image]}${suffix}`)
  const refusal = await canImport(base, python, one)
  if (refusal !== undefined) return `skipped: ${refusal}`
  const { snapshot, ...baked } = await bake(ROOT, base, tag, python, one, {
    options: optionsOf(one),
    variables: variablesOf(one, shipped),
  })
  return snapshot ? { base, baked: { ...baked, snapshot } } : 'the program that bakes knows no snapshot'
}

function optionsOf(one: Package): string[] {
  return ['--snapshot', '--snapshot-launch', 'entrypoint', ...libraryOptions(one)]
}

function tagOf(python: Python, one: Package, name: Shipped | 'other'): string {
  const slug = (text: string) => text.replaceAll(/[^a-z0-9]+/g, '-')
  return `pycds-bench/${python.id}-${slug(one.name)}:snapshot-${slug(name)}`
}

/** Why the package was not measured, or its row. */
async function measure(
  python: Python,
  one: Package,
  shipped: Shipped,
  { folder, options }: PartContext,
): Promise<SnapshotRow | string> {
  const image = await makeImage(python, one, shipped)
  if (typeof image === 'string') return image
  const { base, baked: own } = image
  const roots: Root[] = []
  const mounted = async (image: string, name: string) => {
    const root = await mountImage(image, join(folder, 'snapshot', name))
    roots.push(root)
    return root.path
  }
  try {
    const row = { python: python.id, package: one.name, snapshot: own.snapshot }
    const size = { layerCompressedBytes: own.layerCompressedBytes }
    if (own.snapshot.reason !== null) return { ...row, ...size, warm: {}, cold: {}, load: loadavg()[0] ?? 0 }
    const env = startEnvironment(one, shipped)
    const starter = (root: string, text: string, more: Record<string, string> = {}): Starter => ({
      root,
      argv: [python.executable, '-c', text],
      env: { ...env, ...more },
    })
    const [plainRoot, ownRoot] = [await mounted(base, 'plain'), await mounted(own.reference, 'own')]
    const archive = { PYCDS_ARCHIVE: '/opt/pycds/app.cds' }
    const text = endingProgram(one)
    const thawed = starter(ownRoot, text, archive)
    const refused = await refusalOf(thawed)
    if (refused !== undefined) return `the snapshot is not used: ${refused}`
    const starters: [Kind, Starter][] = [
      ['bare', starter(plainRoot, endingProgram(NOTHING))],
      ['plain', starter(plainRoot, text)],
      ['archive', starter(ownRoot, text, { ...archive, PYCDS_SNAPSHOT: 'off' })],
      ['snapshot', thawed],
      ['unknown', starter(ownRoot, UNKNOWN_BEGINNING + text, archive)],
    ]
    const atOnce = { ...thawed, argv: ['/opt/pycds/start', ...thawed.argv] }
    if (own.snapshot.launch.by === 'entrypoint' && !(await refusalOf(atOnce)))
      starters.push(['atOnce', atOnce])
    if (options.other !== undefined) {
      const tag = tagOf(python, one, 'other')
      const there = await bake(options.other, base, tag, python, one, {
        options: optionsOf(one),
        variables: variablesOf(one, shipped),
      })
      if (there.snapshot?.reason === null)
        starters.push(['other', starter(await mounted(there.reference, 'other'), text, archive)])
    }
    const compiles = shipped === 'no bytecode'
    const warm = await turns(starters, compiles ? COMPILED_ROUNDS : WARM_ROUNDS, false)
    const known = starters.filter(([kind]) => kind !== 'unknown')
    const cold = options.coldRuns === 0 || compiles ? {} : await turns(known, COLD_ROUNDS, true)
    return { ...row, ...size, warm, cold, load: loadavg()[0] ?? 0 }
  } finally {
    for (const root of roots) await root.unmount()
    await removeImage(tagOf(python, one, 'other'))
    await discardImage(python, one, shipped)
  }
}

/** A program is known by its beginning. */
const UNKNOWN_BEGINNING = 'pass\n'

/** As the image has it: with a variable of Python's that it does not have a snapshot would not be used. */
export function startEnvironment(one: Package, shipped: Shipped = 'bytecode'): Record<string, string> {
  const { PYTHONDONTWRITEBYTECODE: _, ...rest } = environmentOf(one)
  return { ...rest, ...variablesOf(one, shipped) }
}

/** Where bytecode is missing, a start must not spare the next one that it compiles. */
function variablesOf(one: Package, shipped: Shipped): Record<string, string> {
  return { ...pathOf(one), ...(shipped === 'bytecode' ? {} : { PYTHONDONTWRITEBYTECODE: '1' }) }
}

/** Why a start does not use the snapshot; undefined: it does. */
export async function refusalOf(starter: Starter): Promise<string | undefined> {
  const env = Object.entries({ ...starter.env, PYCDS_LOG: '1' }).map(([name, value]) => `${name}=${value}`)
  const script = `root=$1; shift; chroot "$root" /usr/bin/env -i "$@" ${TIMES}>/dev/null 2>&1`
  const said = await run('sh', ['-c', script, 'sh', starter.root, ...env, ...starter.argv])
  const [, told] = /snapshot (.*)$/m.exec(said) ?? []
  return told?.startsWith('thawed') ? undefined : (told ?? 'nothing is said of it')
}

/** As it is trained, and then the time on the monotonic clock and that of the processor. */
function endingProgram(one: Package): string {
  return [
    plainProgram(one),
    'import os, time',
    `os.write(${TIMES}, b"%d %d" % (time.monotonic_ns(), time.process_time_ns()))`,
  ].join('\n')
}

async function turns(
  starters: readonly [Kind, Starter][],
  rounds: number,
  cold: boolean,
): Promise<Partial<Record<Kind, SnapshotTimes>>> {
  const list = starters.map(([, starter]) => starter)
  await drive(list, 2, false)
  const starts = await drive(list, rounds, cold)
  const found: Partial<Record<Kind, SnapshotTimes>> = {}
  for (const [index, [kind]] of starters.entries()) {
    const times = timesOf(starts.filter((start) => start.starter === index))
    if (times) found[kind] = times
  }
  return found
}

function timesOf(starts: readonly Start[]): SnapshotTimes | undefined {
  const done = summarise(starts.map(({ phase, began }) => phase - began))
  const doneCpu = summarise(starts.map(({ phaseCpu }) => phaseCpu))
  const process = summarise(starts.map((start) => start.process))
  const processCpu = summarise(starts.map((start) => start.processCpu))
  return done && doneCpu && process && processCpu && { done, doneCpu, process, processCpu }
}

/**
 * How many times what a snapshot takes beyond a bare start another kind takes; undefined where it was not measured, or is no
 * more than a bare start.
 */
export function beyondBare(
  times: SnapshotRow['warm'],
  metric: 'done' | 'doneCpu',
  kind: Kind = 'plain',
): number | undefined {
  const { bare, [kind]: other, snapshot: own } = times
  if (!bare || !other || !own) return undefined
  const beyond = own[metric].median - bare[metric].median
  return beyond > 0 ? (other[metric].median - bare[metric].median) / beyond : undefined
}

function describe({ python, package: name, snapshot: made, layerCompressedBytes, warm, cold }: SnapshotRow) {
  const head = `${python} ${name}: ${made.reason ?? `${made.modules} modules, ${made.compressedBytes} bytes`}`
  const lines = [...Object.entries({ warm, cold })].flatMap(([cache, times]) =>
    (Object.keys(times).length > 0 ? METRICS : []).map((metric) => {
      const cells = Object.entries(times).map(
        ([kind, one]) =>
          `${kind} ${one[metric].median.toFixed(1)} (${one[metric].q1.toFixed(1)}-${one[metric].q3.toFixed(1)})`,
      )
      return `  ${cache} ${metric.padEnd(10)} ${cells.join('  ')}`
    }),
  )
  const causes = made.leftOut.filter((one) => one.name === one.because)
  return [
    `${head}, layer ${layerCompressedBytes}`,
    ...lines,
    ...causes.map((one) => `  left out: ${one.name} ${one.reason}`),
  ].join('\n')
}
