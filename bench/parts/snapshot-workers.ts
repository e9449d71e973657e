// SPDX-License-Identifier: Apache-2.0
// A launcher that spawns workers, each a Python of its own: until all are ready, and the memory of all.
import { loadavg } from 'node:os'
import { join } from 'node:path'
import { type Summary, summarise } from '../../src/util/statistics.js'
import { baked } from '../../test/helpers/baked.js'
import { drive, type Starter } from '../driver.js'
import { canImport, environmentOf, makeBase } from '../images.js'
import type { Package } from '../packages.js'
import type { Python } from '../pythons.js'
import { mountImage, type Root } from '../roots.js'
import { ROOT, run } from '../shell.js'
import { pssOf } from './memory.js'
import { measureEach, type Part, type PartContext } from './part.js'
import { refusalOf } from './snapshot.js'

const ROUNDS = 9
const PROGRAM = '/workers/launcher.py'
/** Freezing starts all of them many times; beside other work. */
const OPTIONS = ['--snapshot', '--timeout', '10m']

type Way = 'plain' | 'archive' | 'snapshot'

/** Of starts in one way. */
export interface WorkersUse {
  /** Milliseconds from the start of the launcher until all workers are ready. */
  readonly ready: Summary
  /** Milliseconds of the processor of all processes, until their end. */
  readonly cpu: Summary
  /** Proportional set sizes of all processes of a container, bytes. */
  readonly pssBytes: number
}

export interface WorkersRow {
  readonly python: string
  readonly package: string
  /** Modules that are ready in the snapshot. */
  readonly modules: number
  readonly ways: Readonly<Record<Way, WorkersUse>>
  /** Processes that were ready to run on the machine while it was measured. */
  readonly load: number
  /** Of the checkout that was measured, where the other parts are of a later one. */
  readonly commit?: string
}

export const snapshotWorkers: Part = {
  name: 'snapshot-workers',
  title: 'a launcher and its workers with process snapshots',
  goesOn: true,
  run: (context) =>
    measureEach(
      'snapshot-workers',
      context,
      context.options.packages.filter(({ name }) => name === 'torch'),
      { measure, describe: (row) => `workers: ${JSON.stringify(row)}` },
    ),
}

async function measure(
  python: Python,
  one: Package,
  { folder }: PartContext,
): Promise<WorkersRow[] | string> {
  const base = await makeBase(python.images[one.image])
  const refusal = await canImport(base, python, one)
  if (refusal !== undefined) return `skipped: ${refusal}`
  const image = `pycds-bench/${python.id}-workers`
  await run('docker', [
    ...['build', '--quiet', '--tag', image, '--build-arg', `BASE=${base}`, join(ROOT, 'bench/workers')],
  ])
  const { name, result } = await baked(image, ...OPTIONS)
  const { snapshot } = result
  if (snapshot?.reason !== null) return snapshot?.reason ?? 'there is no snapshot'
  const roots: Root[] = []
  try {
    for (const [folderName, mounted] of Object.entries({ plain: image, own: name }))
      roots.push(await mountImage(mounted, join(folder, 'snapshot-workers', folderName)))
    const [plain = '', own = ''] = roots.map(({ path }) => path)
    const starter = (root: string, more: Record<string, string> = {}): Starter => {
      const { PYTHONDONTWRITEBYTECODE: _, ...env } = environmentOf(one)
      return { root, argv: [python.executable, PROGRAM, 'time'], env: { ...env, ...more } }
    }
    const archive = { PYCDS_ARCHIVE: '/opt/pycds/app.cds' }
    const starters = {
      plain: starter(plain),
      archive: starter(own, { ...archive, PYCDS_SNAPSHOT: 'off' }),
      snapshot: starter(own, archive),
    }
    const refused = await refusalOf(starters.snapshot)
    if (refused !== undefined) return `the snapshot is not used: ${refused}`
    const list = Object.values(starters)
    await drive(list, 1, false)
    const starts = await drive(list, ROUNDS, false)
    const use = async (index: number, started: string, env: readonly string[] = []) => {
      const mine = starts.filter((start) => start.starter === index)
      const ready = summarise(mine.map(({ phase, began }) => phase - began))
      const cpu = summarise(mine.map(({ processCpu }) => processCpu))
      if (!ready || !cpu) throw new Error('it was not started')
      const words = ['/usr/bin/env', ...env, python.executable, PROGRAM, 'wait']
      return { ready, cpu, pssBytes: await pssOf(started, words, 1) }
    }
    const ways = {
      plain: await use(0, image),
      archive: await use(1, name, ['PYCDS_SNAPSHOT=off']),
      snapshot: await use(2, name),
    }
    return [
      {
        ...{ python: python.id, package: one.name, modules: snapshot.modules, ways },
        load: loadavg()[0] ?? 0,
      },
    ]
  } finally {
    for (const root of roots) await root.unmount()
  }
}
