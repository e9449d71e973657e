// SPDX-License-Identifier: Apache-2.0
// From the packed layer to an image with a name: added, tried, and only then named.
import {
  type Completion,
  complete,
  notLaunching,
  notTried,
  proveEntrypoint,
  withLauncher,
  withoutMore,
} from '../artifact/complete.js'
import type { MadeContent } from '../artifact/content.js'
import type { Checked, Trial } from '../artifact/kind/artifact.js'
import { check } from '../artifact/trial.js'
import type { BakeDocument } from '../attest/index.js'
import { type ImageConfig, isLocation, nodeArchitecture, shortId } from '../image/index.js'
import { appendToImage } from '../layer/append.js'
import type { RunPlan } from '../learn/source.js'
import type { Trace } from '../learn/trace/trace-file.js'
import { during } from '../log/index.js'
import { isOfEntrypoint, LAUNCHER_PATH } from '../marks/launcher.js'
import { FOLDER } from '../marks/places.js'
import { startsOtherwise } from '../measure/ends.js'
import { assertGates, layerGate, speedupGate } from '../measure/gates.js'
import { measure, type StartComparison } from '../measure/measure.js'
import type { ImageDigests, Ports, SourceImage } from '../ports/index.js'
import { present } from '../util/present.js'
import { quote } from '../util/quote.js'
import { formatBytes } from '../util/units.js'
import type { BakeRequest } from './bake-request.js'
import { type Documents, prepareDocuments, statementsOf } from './documents.js'
import { layerOptions, layerTime, type Making, type Packed, pack, withImage } from './pack.js'

export interface ShipInput {
  source: SourceImage
  /** The exact configuration of the source image. */
  config: Promise<ImageConfig>
  /** The new name. */
  output: string
  plan: RunPlan
  made: Making
  /** Why the image gets nothing but archive and bytecode, where that is known. */
  cannot: string | undefined
  /** What the bake is known by. */
  key: string
  /** What was learned. */
  trace: Trace
}

/** What is in the image that is shipped. */
interface Shipped extends Packed {
  content: MadeContent
}

/** Adds the layer, tries the new image, and only then gives it its name; on failure no new image is left. */
export async function ship(request: BakeRequest, input: ShipInput, ports: Ports) {
  const { made, output, plan } = input
  const first = await append(request, input, ports)
  const { id, ...shipped } = await addMore(request, { ...input, id: first }, ports).catch(async (error) => {
    await ports.store.remove(first).catch(() => undefined)
    throw error
  })
  try {
    const isMore = shipped.layer !== made.layer
    const trial = await tryOut({ id, isMore }, request, made.learned.start ?? plan.spec, plan, ports)
    assertGates(request.reference, trial.gates)
    ports.signal.throwIfAborted()
    const { source, trace } = input
    const documents = await prepareDocuments(request, {
      source,
      output,
      trace,
      layer: shipped.layer,
      created: layerTime(request, source),
      python: `CPython ${made.learned.python.python.version}`,
    })
    const named = request.untagged
      ? { digests: { config: id }, documents }
      : await name(id, output, documents, ports)
    const { digests } = named
    return { ...trial, shipped, documents: named.documents, output: { reference: output, id, digests } }
  } catch (error) {
    await ports.store.remove(id).catch(() => undefined) // the first error is the one to report
    throw error
  }
}

/**
 * Adds what can only be made from the new image itself, when that was asked for and holds what it promises: the image is
 * made anew then, and the one before it is removed.
 */
async function addMore(
  request: BakeRequest,
  input: ShipInput & { id: string },
  ports: Ports,
): Promise<Shipped & { id: string }> {
  const { source, plan, made, id, cannot } = input
  const { content, layer, compressedBytes, learned } = made
  const alone = { id, layer, compressedBytes }
  if (cannot !== undefined) return { ...alone, content: withoutMore(content, request, cannot) }
  const { python, selection } = learned
  const completion = await complete(
    withLauncher(content, request, nodeArchitecture(source), ports),
    {
      python,
      selection,
      image: id,
      timeoutMs: request.limits.timeoutMs,
      spec: plan.spec,
      architecture: nodeArchitecture(source),
      place: FOLDER,
      mtime: layerTime(request, source),
      ...present({ snapshot: request.snapshot }),
    },
    ports,
  )
  if (!('prove' in completion)) return { ...alone, content: completion }
  const added = await tryMore(request, { ...input, completion }, ports).catch(notTried)
  if (typeof added === 'string') return { ...alone, content: completion.without(added) }
  await ports.store.remove(id)
  return added
}

/** Makes the image with what was completed, and tries it; returns why it must not be shipped, and then there is none. */
async function tryMore(
  request: BakeRequest,
  input: ShipInput & { completion: Completion },
  ports: Ports,
): Promise<(Shipped & { id: string }) | string> {
  const { source, plan, made, completion } = input
  const { learned } = made
  const packed = await withImage(source, ports, (image) =>
    pack(image, completion.content, layerOptions(request, source, made), ports),
  )
  const bytes = packed.compressedBytes
  const [tooLarge] = layerGate(request.gates, bytes).filter(({ ok }) => !ok)
  if (tooLarge) return `the layer would have ${formatBytes(bytes)}, and --max-layer-size is less`
  const id = await append(request, { ...input, made: { ...made, ...packed } }, ports)
  const removed = () => ports.store.remove(id).catch(() => undefined) // what led to it says more
  const original = learned.start ?? plan.spec
  const spec = { ...original, image: id }
  const options = { ...request, ready: plan.ready, signal: ports.signal }
  const { engine, progress } = ports
  const proved = await completion
    .prove({ engine, spec, original, options, progress }, learned.training, bytes - made.compressedBytes)
    .catch(async (error: unknown) => {
      await removed()
      throw error
    })
  if (typeof proved === 'string') {
    await removed()
    return proved
  }
  const added = { id, content: proved, ...packed }
  if (request.snapshot?.launch !== 'entrypoint') return added
  return await tryLaunch(
    request,
    { ...input, added, trial: { engine, spec, original, options, progress } },
    ports,
  )
}

/** Makes the image once more, whose entrypoint goes on in the snapshot at once, and takes that where it does. */
async function tryLaunch(
  request: BakeRequest,
  input: ShipInput & { added: Shipped & { id: string }; trial: Trial },
  ports: Ports,
): Promise<Shipped & { id: string }> {
  const { added, trial, made } = input
  const { config } = await input.config
  const { command: trained } = request
  const entrypoint = config?.Entrypoint ?? []
  if (trained !== undefined && !isOfEntrypoint(trained, entrypoint)) {
    const reason = `the training run was of another command than the entrypoint: begin it with ${entrypoint.map(quote).join(' ')}`
    return { ...added, content: notLaunching(added.content, reason) }
  }
  const remove = (which: string) => ports.store.remove(which).catch(() => undefined)
  const id = await append(request, { ...input, made: { ...made, ...added } }, ports, true).catch(
    async (error) => {
      await remove(added.id)
      throw error
    },
  )
  // One that takes the place of the entrypoint is started as the entrypoint would be.
  const command = trained === undefined ? undefined : [LAUNCHER_PATH, ...trained]
  const spec = { ...trial.spec, image: id, ...present({ command }) }
  try {
    const proved = await proveEntrypoint(added.content, { ...trial, spec }, made.learned.training)
    await remove(proved.isLaunched ? added.id : id)
    return { ...added, content: proved.content, ...(proved.isLaunched ? { id } : {}) }
  } catch (error) {
    await Promise.all([remove(id), remove(added.id)])
    throw error
  }
}

/**
 * In an engine that is a moment, in a location all of the image is written.
 * @returns with the documents as they are attached there: in an index, about the image and not about the index
 */
async function name(
  id: string,
  output: string,
  documents: Documents,
  { store, progress }: Ports,
): Promise<{ digests: ImageDigests; documents: Documents }> {
  if (!isLocation(output)) return { digests: await store.tag(id, output), documents }
  return await during(progress, ['write', `Write ${output}`], async (step) => {
    let attached: BakeDocument[] | undefined
    const digests = await store.tag(id, output, (manifest) => {
      attached = documents(manifest)
      return statementsOf(attached)
    })
    step.done()
    return { digests, documents: (digest) => attached ?? documents(digest) }
  })
}

function append(
  { sourceDateEpoch }: BakeRequest,
  { source, config, key, made: { learned, content, layer, earlier } }: ShipInput,
  { store, progress }: Ports,
  launched = false,
): Promise<string> {
  return during(progress, ['append', 'Add the layer'], async (step) => {
    const { artifacts } = content
    const pythonVersion = learned.python.python.version
    const { hides } = earlier
    const input = { source, config: await config, layer, hides, artifacts, pythonVersion, key, launched }
    const id = await appendToImage(store, input, sourceDateEpoch)
    step.done(shortId(id))
    return id
  })
}

/** What starts of the new image show. */
interface Shown extends Omit<Checked, 'difference'> {
  start: StartComparison | null
}

async function tryOut(
  { id, isMore }: { id: string; isMore: boolean },
  request: BakeRequest,
  before: RunPlan['spec'],
  plan: RunPlan,
  { engine, progress, signal }: Ports,
): Promise<Shown> {
  const after = { ...before, image: id }
  const { limits, gates, measureRuns: runs } = request
  const start =
    runs > 0
      ? await measure(
          engine,
          { reference: request.reference, before, after, snapshot: isMore, runs, limits, signal },
          progress,
        )
      : null
  const options = { ...request, ready: plan.ready, signal }
  // What was imported by name says nothing of what the program imports.
  const original = request.mode === 'imports' ? plan.spec : before
  const spec = { ...original, image: id }
  const checked = await check({ engine, spec, original, options, progress }, gates)
  if (checked.difference !== null) throw startsOtherwise(request.reference, checked.difference)
  return { start, checks: checked.checks, gates: [...speedupGate(gates, start), ...checked.gates] }
}
