// SPDX-License-Identifier: Apache-2.0
// Whole applications as their images start them, in turns: plain, archive, snapshot, and a snapshot at once.
import { loadavg } from 'node:os'
import { type Summary, summarise } from '../../src/util/statistics.js'
import { type Baked, baked } from '../../test/helpers/baked.js'
import { openAccount } from '../accounts.js'
import { APPLICATIONS, type Application } from '../applications.js'
import { openPlace, type ReadyStart } from '../containers.js'
import { checkUse, commandOf, inTurns, type Way, waysOf } from '../ways.js'
import { makeEach, type Part, type PartContext } from './part.js'

/** Freezing starts the application many times; beside other work. */
const OPTIONS = ['--snapshot', '--snapshot-launch', 'entrypoint', '--timeout', '10m']

/** Of starts in one way, until the application is ready; milliseconds. */
export interface WayTimes {
  readonly ready: Summary
  /** Of the processor, the whole container. */
  readonly cpu: Summary
}

export interface ApplicationRow {
  readonly application: string
  /** Why it was not measured; null: it was. */
  readonly reason: string | null
  /** What it is ready by: an answer, or its end. */
  readonly until: 'answer' | 'end'
  /** What the bake adds to the image; null where there was none. */
  readonly layer: Layer | null
  readonly times: Partial<Record<Way, WayTimes>>
  /** Processes that were ready to run on the machine while it was measured. */
  readonly load: number
}

interface Layer {
  readonly compressedBytes: number
  /** Of these. */
  readonly snapshotBytes: number
  /** Why there is no snapshot, and why none at once; null: there is. */
  readonly withoutSnapshot: string | null
  readonly notAtOnce: string | null
}

export const applications: Part = {
  name: 'applications',
  title: 'whole applications',
  goesOn: true,
  async run(context) {
    const known = (context.results.parts.applications ?? []) as ApplicationRow[]
    const rows = known.filter(({ reason }) => reason === null)
    context.results.parts.applications = rows
    const missing = APPLICATIONS.filter(({ name }) => !rows.some(({ application }) => application === name))
    const images = new Map<Application, Images | string>()
    await makeEach(missing, async (one) => {
      images.set(one, await makeImages(one).catch((error: Error) => error.message.trim()))
    })
    const failures: string[] = []
    for (const one of missing) {
      try {
        const row = await measure(one, images.get(one) ?? 'it was not made', context)
        rows.push(row)
        context.say(describe(row))
        await context.save()
      } catch (error) {
        failures.push(`${one.name}: ${error instanceof Error ? error.message : error}`)
      }
    }
    // The others are measured all the same, and saved.
    if (failures.length > 0) throw new Error(failures.join('\n'))
    return rows
  },
}

interface Images {
  readonly plain: string
  readonly bake: Baked
}

/** The image of an application, and its bake: each is made once, and stays until what is baked or what bakes has changed. */
async function makeImages({ options, image }: Application): Promise<Images> {
  const plain = await image()
  return { plain, bake: await baked(plain, ...OPTIONS, ...options) }
}

async function measure(
  one: Application,
  images: Images | string,
  { options }: PartContext,
): Promise<ApplicationRow> {
  const { name, asked } = one
  const row = { application: name, until: asked === undefined ? 'end' : 'answer' } as const
  if (typeof images === 'string')
    return { ...row, reason: images, layer: null, times: {}, load: loadavg()[0] ?? 0 }
  const { plain, bake } = images
  const { layer, snapshot } = bake.result
  const account = await openAccount(`pycds-bench-${process.pid}`)
  const place = await openPlace(plain, one, account).catch(async (error: unknown) => {
    await account.close()
    throw error
  })
  try {
    const ways = waysOf(plain, bake.name, await commandOf(plain), {
      hasSnapshot: snapshot?.reason === null,
      isAtOnce: snapshot?.reason === null && snapshot.launch?.by === 'entrypoint',
    })
    await checkUse(ways, place)
    const starts = await inTurns(ways, { rounds: options.runs, place })
    return {
      ...{ ...row, reason: null, load: loadavg()[0] ?? 0 },
      layer: {
        compressedBytes: layer.compressedBytes,
        snapshotBytes: snapshot?.compressedBytes ?? 0,
        withoutSnapshot: snapshot?.reason ?? null,
        notAtOnce: snapshot?.launch?.reason ?? null,
      },
      times: Object.fromEntries([...starts].map(([way, list]) => [way, timesOf(list)])),
    }
  } finally {
    await place.close()
    await account.close()
  }
}

function timesOf(starts: readonly ReadyStart[]): WayTimes {
  const ready = summarise(starts.map(({ readyMs }) => readyMs))
  const cpu = summarise(starts.map(({ cpuMs }) => cpuMs))
  if (!ready || !cpu) throw new Error('it was not started')
  return { ready, cpu }
}

function describe({ application, reason, layer, times }: ApplicationRow): string {
  if (reason !== null) return `${application}: skipped: ${reason}`
  const text = ({ median, q1, q3 }: Summary) => `${median.toFixed(0)} (${q1.toFixed(0)}-${q3.toFixed(0)})`
  const lines = Object.entries(times).map(
    ([way, one]) => `  ${way.padEnd(9)} ready ${text(one.ready)} ms, processor ${text(one.cpu)} ms`,
  )
  const without = layer?.withoutSnapshot ?? layer?.notAtOnce
  const note = without ? [`  ${layer?.withoutSnapshot ? 'no snapshot' : 'not at once'}: ${without}`] : []
  const size = `layer ${layer?.compressedBytes}, of it the snapshot ${layer?.snapshotBytes}`
  return [`${application}: ${size}`, ...lines, ...note].join('\n')
}
