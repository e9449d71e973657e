// SPDX-License-Identifier: Apache-2.0
// Images that are prepared only: what a start that records costs, when its archive is there, and what the next start gains.
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { type Summary, summarise } from '../../src/util/statistics.js'
import { drive, type Start, type Starter } from '../driver.js'
import { bake, environmentOf, makeBase, prepareImage, removeImage } from '../images.js'
import { type Package, plainProgram, TIMES, timedProgram } from '../packages.js'
import type { Python } from '../pythons.js'
import { mountImage, type Root } from '../roots.js'
import { ROOT } from '../shell.js'
import { measureEach, type Part, type PartContext } from './part.js'

const NAMES = ['flask', 'boto3', 'pandas']
const ROUNDS = 15
const READY_ROUNDS = 5
const TOGETHER = 50
const TOGETHER_ROUNDS = 3
/** Where root learns in a prepared image, whose directory others may write to as well. */
const LEARNED = 'var/cache/pycds/pycds-0'
const READY_SECONDS = 60

export interface Learn {
  readonly python: string
  readonly package: string
  /** Whole processes, milliseconds of the processor: of the original image, baked, and prepared when it has learned. */
  readonly plain: Summary
  readonly baked: Summary
  readonly learned: Summary
  /** A start that records in turns with the original; with the helper's part, as far as the start waited for its end. */
  readonly recording: { readonly plain: Summary; readonly recording: Summary }
  /** Milliseconds from the last import until the archive is there. */
  readonly ready: Summary
  /** Starts at the same moment on one empty directory: milliseconds of the processor of all of them. */
  readonly together: { readonly starts: number; readonly plain: Summary; readonly learning: Summary }
}

export const learn: Part = {
  name: 'learn',
  title: 'learning at the first start',
  goesOn: true,
  run: (context) =>
    measureEach(
      'learn',
      context,
      context.options.packages.filter(({ name }) => NAMES.includes(name)),
      {
        measure: async (...given) => [await measure(...given)],
        describe: (row) => `learning: ${JSON.stringify(row)}`,
      },
    ),
}

async function measure(python: Python, one: Package, { folder }: PartContext): Promise<Learn> {
  const base = await makeBase(python.images[one.image])
  const tag = (kind: string) => `pycds-bench/${python.id}-${one.name}:learn-${kind}`
  const mounted: Root[] = []
  const mount = async (name: string, image: string) => {
    const root = await mountImage(image, join(folder, 'learn', name))
    mounted.push(root)
    return root.path
  }
  try {
    await bake(ROOT, base, tag('baked'), python, one)
    await prepareImage(ROOT, base, tag('prepared'))
    const roots = {
      plain: await mount('plain', base),
      baked: await mount('baked', tag('baked')),
      prepared: await mount('prepared', tag('prepared')),
    }
    return await measureRoots(python, one, roots)
  } finally {
    for (const root of mounted) await root.unmount()
    await removeImage(tag('baked'))
    await removeImage(tag('prepared'))
  }
}

async function measureRoots(
  python: Python,
  one: Package,
  roots: Readonly<Record<'plain' | 'baked' | 'prepared', string>>,
): Promise<Learn> {
  const argv = [python.executable, '-c', timedProgram(one)]
  const env = environmentOf(one)
  const learning = { ...env, PYCDS_LEARN: '/var/cache/pycds' }
  const plain: Starter = { root: roots.plain, argv, env }
  const baked: Starter = { root: roots.baked, argv, env: { ...env, PYCDS_ARCHIVE: '/opt/pycds/app.cds' } }
  const prepared: Starter = { root: roots.prepared, argv, env: learning }
  const forget = () => rm(join(roots.prepared, LEARNED), { recursive: true, force: true })
  const afresh = async (starters: readonly Starter[], rounds: number) => {
    const starts: Start[] = []
    for (let round = 0; round < rounds; round++) {
      await forget()
      starts.push(...(await drive(starters, 1, false)))
    }
    return starts
  }
  await drive([plain, baked, prepared], 1, false)
  const recording = await afresh([plain, prepared], ROUNDS)

  const waits = { ...prepared, argv: [python.executable, '-c', waitingProgram(one)] }
  const ready = await afresh([waits], READY_ROUNDS)

  const all = (starter: Starter): Starter => {
    const script = `i=0; while [ $i -lt ${TOGETHER} ]; do "$@" ${TIMES}>/dev/null & i=$((i + 1)); done; wait`
    return { ...starter, argv: ['/bin/sh', '-c', script, 'sh', ...argv] }
  }
  const together = await afresh([all(plain), all(prepared)], TOGETHER_ROUNDS)

  await forget()
  await drive([{ ...prepared, env: { ...learning, PYCDS_LEARN_WAIT: '60s' } }], 1, false)
  const starts = await drive([plain, baked, prepared], ROUNDS, false)
  return {
    ...{ python: python.id, package: one.name },
    plain: cpu(starts, 0),
    baked: cpu(starts, 1),
    learned: cpu(starts, 2),
    recording: { plain: cpu(recording, 0), recording: cpu(recording, 1) },
    ready: sum(ready.map(({ phase }) => phase)),
    together: { starts: TOGETHER, plain: cpu(together, 0), learning: cpu(together, 1) },
  }
}

/** Imports, and writes how long it then takes until there is an archive. */
function waitingProgram(one: Package): string {
  return [
    plainProgram(one),
    'import os, time',
    't = time.perf_counter_ns()',
    `end = t + ${READY_SECONDS} * 10**9`,
    `directory = "/${LEARNED}"`,
    'def ready():',
    '    return os.path.isdir(directory) and any(name.endswith(".cds") for name in os.listdir(directory))',
    'while not ready():',
    '    assert time.perf_counter_ns() < end, "nothing was learned in " + directory',
    '    time.sleep(0.01)',
    `os.write(${TIMES}, b"%d 0" % (time.perf_counter_ns() - t))`,
  ].join('\n')
}

function cpu(starts: readonly Start[], index: number): Summary {
  return sum(starts.filter(({ starter }) => starter === index).map(({ processCpu }) => processCpu))
}

function sum(values: readonly number[]): Summary {
  const summary = summarise(values)
  if (!summary) throw new Error('it did not start')
  return summary
}
