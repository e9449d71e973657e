// SPDX-License-Identifier: Apache-2.0
// Several images of an index, each baked as if it were alone. Only when all of them are made does the new index get
// its name, so whatever fails for one of them leaves nothing. Those that cannot be run here learn from one that can.
import { limitsOfStarts } from '../artifact/trial.js'
import type { BakeDocument } from '../attest/index.js'
import { PycdsError, toPycdsError } from '../errors/index.js'
import { parseLocation } from '../image/index.js'
import type { Lesson } from '../learn/foreign/transfer.js'
import type { Progress } from '../log/index.js'
import type { ImageStore, IndexStore, Ports, SourceImage, Statements } from '../ports/index.js'
import { assertCopies, carryAttachments } from './attachments.js'
import { type Baked, bake } from './bake.js'
import type { BakeRequest } from './bake-request.js'
import { statementsOf } from './documents.js'
import { bakeKey, joinKeys } from './key.js'
import { chooseOutput } from './output.js'
import type { BakePlatformsResult, BakeResult } from './result.js'
import { assertRoom } from './room.js'

export interface BakePlatformsPorts extends Omit<Ports, 'store'> {
  index: IndexStore
}

export interface BakedPlatforms {
  result: BakePlatformsResult
  /** About the image of each platform. */
  documents: ReadonlyMap<string, readonly BakeDocument[]>
}

/** One image of the index. */
interface Chosen {
  platform: string
  store: ImageStore
  source: SourceImage
}

/** Bakes the images of some platforms, given as `linux/arm64`; the others stay as they are. */
export async function bakePlatforms(
  request: BakeRequest,
  platforms: readonly string[],
  ports: BakePlatformsPorts,
): Promise<BakedPlatforms> {
  const chosen = await choose(request.reference, platforms, ports.index)
  const output = chooseOutput(request, chosen[0]?.source.name)
  assertHoldsIndex(output)
  for (const { source } of chosen) assertRoom(source)
  assertCopies(request, output, ports.attachments)
  await ports.index.assertNameable(output)
  const [own, foreign] = await part(chosen, ports)
  if (foreign.length > 0) assertNoRuns(request, foreign)
  const results = new Map<string, BakeResult>()
  const documents = new Map<string, readonly BakeDocument[]>()
  const statements = new Map<string, Statements>()
  const trainedOn = (platform: string) =>
    own.some((one) => one.platform === platform) ? platform : (own[0]?.platform ?? platform)
  let lesson: Lesson | undefined
  try {
    const keep = (platform: string, baked: Baked) => {
      results.set(platform, baked.result)
      statements.set(baked.result.output?.id ?? '', (manifest) => {
        const made = baked.documents(manifest)
        documents.set(platform, made)
        return statementsOf(made)
      })
    }
    for (const one of own) {
      const baked = await bakeOne(request, one, ports)
      keep(one.platform, baked)
      lesson ??= baked.lesson
    }
    const still = { ...request, measureRuns: 0 }
    for (const one of foreign) keep(one.platform, await bakeOne(still, one, ports, lesson))
    const ids = chosen.map(({ platform }) => results.get(platform)?.output?.id ?? '')
    ports.signal.throwIfAborted()
    const digest = request.dryRun ? undefined : await ports.index.publish(ids, output, statements)
    const left = digest === undefined ? [] : await carryAttachments(request, output, ports.attachments)
    for (const warning of left) ports.progress.warn(warning)
    const result: BakePlatformsResult = {
      schema: 'io.pycds.bake-platforms/1',
      source: { reference: request.reference },
      key: joinKeys(chosen.map(({ source }) => bakeKey(request, source))),
      output: digest === undefined ? null : { reference: output, digest },
      platforms: chosen.flatMap(({ platform }) => {
        const result = results.get(platform)
        return result ? [{ platform, trainedOn: trainedOn(platform), result }] : []
      }),
    }
    return { result, documents }
  } catch (error) {
    for (const { output: made } of results.values()) if (made) await ports.index.remove(made.id)
    throw error
  }
}

/** All are found before the first is baked. */
async function choose(reference: string, platforms: readonly string[], index: IndexStore): Promise<Chosen[]> {
  const chosen: Chosen[] = []
  for (const platform of platforms) {
    const store = index.forPlatform(platform)
    const source = await store.resolve(reference)
    const same = chosen.find((one) => one.source.id === source.id)
    if (same) {
      throw new PycdsError('USAGE', {
        message: `--platform ${platform}: it means the same image of ${reference} as ${same.platform}`,
        hint: 'Name each platform once.',
      })
    }
    chosen.push({ platform, store, source })
  }
  return chosen
}

/** Those that this machine can run, and the others. */
async function part(
  chosen: readonly Chosen[],
  { engine }: BakePlatformsPorts,
): Promise<[Chosen[], Chosen[]]> {
  const { architecture, emulated = [] } = await engine.describe()
  const runs = ({ source }: Chosen) =>
    source.architecture === architecture || emulated.includes(source.architecture)
  const own = chosen.filter(runs)
  if (own.length > 0) return [own, chosen.filter((one) => !runs(one))]
  throw new PycdsError('USAGE', {
    message: `--platform ${chosen.map(({ platform }) => platform).join(',')}: this machine can run none of them`,
    hint: `Add linux/${architecture}, from whose run the others are made.`,
  })
}

/** What only a start can tell cannot be asked of images that cannot be started. */
function assertNoRuns({ gates }: BakeRequest, [first]: readonly Chosen[]): void {
  const asked = [...(gates.minSpeedup === undefined ? [] : ['--min-speedup']), ...limitsOfStarts(gates)]
  if (asked.length === 0 || first === undefined) return
  throw new PycdsError('USAGE', {
    message: `${asked.join(', ')}: this machine cannot start images for ${first.platform}`,
    hint: 'Leave it out, or install an emulator for it (binfmt_misc, qemu-user-static).',
  })
}

async function bakeOne(
  request: BakeRequest,
  { platform, store }: Chosen,
  ports: Omit<Ports, 'store'>,
  lesson?: Lesson,
): Promise<Baked> {
  const progress = named(ports.progress, platform)
  try {
    return await bake({ ...request, untagged: true }, { ...ports, store, progress }, lesson)
  } catch (error) {
    const { code, message, hint, cause } = toPycdsError(error)
    if (code === 'INTERRUPTED' || code === 'INTERNAL') throw error
    throw new PycdsError(code, { message: `${platform}: ${message}`, hint, cause })
  }
}

/** Steps and warnings that say which platform they are about. */
function named(progress: Progress, platform: string): Progress {
  return {
    step: (id, title) => progress.step(id, `${title} (${platform})`),
    warn: (message) => progress.warn(`${platform}: ${message}`),
    appOutput: (stream, chunk) => progress.appOutput(stream, chunk),
  }
}

function assertHoldsIndex(output: string): void {
  const place = parseLocation(output)
  if (place !== undefined && place.kind !== 'docker-archive') return
  throw new PycdsError('USAGE', {
    message: `output ${output}: it cannot hold an image for several platforms`,
    hint: 'Write to oci:DIR, oci-archive:FILE or registry:HOST/REPO, or choose one --platform.',
  })
}
