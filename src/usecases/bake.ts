// SPDX-License-Identifier: Apache-2.0
// The bake, from top to bottom. The new image has no name until everything else has succeeded, so a failure leaves
// nothing that anybody could run.
import { gzipSync } from 'node:zlib'
import { type Completion, cannotComplete, complete, notTried, withoutMore } from '../artifact/complete.js'
import { type MadeContent, makeContent } from '../artifact/content.js'
import type { Checked } from '../artifact/kind/artifact.js'
import { ARCHIVE_PATH } from '../artifact/kind/baked.js'
import { check, NO_CHECKS } from '../artifact/trial.js'
import { creationTime, type ImageConfig, isLocation, nodeArchitecture, shortId } from '../image/index.js'
import { appendToImage } from '../layer/append.js'
import type { Hook } from '../layer/hook.js'
import { deadWarning, isBuiltOnBake, originOf } from '../layer/labels.js'
import { type LayerOptions, makeLayer } from '../layer/layer.js'
import { type Lesson, transfer } from '../learn/foreign/transfer.js'
import { type Learned, learn } from '../learn/learn.js'
import { lacksVariables } from '../learn/run/index.js'
import { planRuns, type RunPlan, resolveSource, subjectOf } from '../learn/source.js'
import type { Trace } from '../learn/trace/trace-file.js'
import { toTrace } from '../learn/trace/traces.js'
import { describeTraining } from '../learn/training.js'
import { during } from '../log/index.js'
import { FOLDER } from '../marks/places.js'
import { assertGates, layerGate, reproGate, speedupGate } from '../measure/gates.js'
import { measure, type StartComparison } from '../measure/measure.js'
import type { Container, NewLayer, Ports, SourceImage } from '../ports/index.js'
import { withContainer } from '../ports/with-container.js'
import { present } from '../util/present.js'
import { formatBytes } from '../util/units.js'
import { assertCopies, carryAttachments } from './attachments.js'
import type { BakeRequest } from './bake-request.js'
import { type Documents, prepareDocuments, statementsOf } from './documents.js'
import { bakeKey } from './key.js'
import { chooseOutput } from './output.js'
import { difference } from './repro.js'
import { type BakeResult, describeOutput, describePython } from './result.js'
import { assertRoom } from './room.js'

export type { BakeRequest } from './bake-request.js'

export interface Baked {
  result: BakeResult
  /** What was learned, for a later bake. */
  trace: Trace
  /** The same for images of the same index that cannot be run. */
  lesson: Lesson
  documents: Documents
}

/**
 * Bakes an image into a new one. Every failure is a PycdsError and leaves the engine as it was.
 * @param lesson makes up for a run, which the image is not put to then.
 */
export async function bake(request: BakeRequest, ports: Ports, lesson?: Lesson): Promise<Baked> {
  ports.engine.showProgress?.(ports.progress)
  // A name that cannot be is told before anything is done.
  chooseOutput(request)
  const source = await resolveSource(request.reference, ports)
  assertRoom(source)
  const output = chooseOutput(request, source.name)
  if (!request.untagged) {
    assertCopies(request, output, ports.attachments)
    await assertNameable(output, ports)
  }
  const key = bakeKey(request, source)
  const plan = planRuns(request, subjectOf(source), ports.archiver.injected(nodeArchitecture(source)))
  const cannot = whyNoMore(request, source, ports, lesson)
  if (cannot !== undefined) ports.progress.warn(`no snapshot will be made: ${cannot}`)
  if (!lesson) await tellRuntime(source, request, ports)
  // The engine takes seconds to give the exact configuration; it is only needed at the end.
  const config = request.dryRun ? Promise.resolve(source.config) : ports.store.readConfig(source)
  config.catch(() => undefined) // whoever awaits it sees the error

  // Learn what a start imports, and make of it what the new image gets.
  const first = await make(request, source, plan, ports, lesson)
  const { learned, content, layer, compressedBytes } = first
  const platform = `${source.os}/${source.architecture}`
  const trace = toTrace({ id: source.id, platform }, learned.python, learned.selection)
  const found = [...learned.warnings, ...(isBuiltOnBake(source.config) ? [deadWarning(ARCHIVE_PATH)] : [])]
  for (const warning of found) ports.progress.warn(warning)

  // Refuse what the layer itself shows, before an image is made of it.
  if (request.gates.checkRepro && request.snapshot)
    ports.progress.warn('--check-repro compares without the snapshot, which is another one each time')
  const again = request.gates.checkRepro ? await make(request, source, plan, ports, lesson) : undefined
  const early = [
    ...layerGate(request.gates, compressedBytes),
    ...reproGate(request.gates, again && difference(first, again)),
  ]
  assertGates(request.reference, early)

  // From here on the files of the source image are not read again.
  const written = request.dryRun
    ? undefined
    : await write(request, { source, config, output, plan, made: first, cannot, key, trace }, ports)
  const shipped = written?.shipped ?? {
    content: withoutMore(content, request, cannot ?? 'nothing is frozen in a dry run'),
    layer,
    compressedBytes,
  }

  const { training } = learned
  const left =
    written === undefined || request.untagged
      ? []
      : await carryAttachments(request, written.output.reference, ports.attachments)
  for (const warning of left) ports.progress.warn(warning)
  const warnings = [...found, ...left]
  return {
    result: {
      schema: 'io.pycds.bake/1',
      source: { reference: request.reference, id: source.id },
      key,
      output: written ? describeOutput(written.output) : null,
      python: describePython(learned, content),
      training: describeTraining(request, source.config, plan.ready, training),
      ...shipped.content.summaries(FOLDER),
      layer: {
        diffId: shipped.layer.diffId,
        bytes: shipped.layer.tar.length,
        compressedBytes: shipped.compressedBytes,
      },
      start: written?.start ?? null,
      gates: [...early, ...(written?.gates ?? [])],
      ...(written?.checks ?? NO_CHECKS),
      warnings,
    },
    trace,
    lesson: { source, input: plan, learned },
    documents: written?.documents ?? (() => []),
  }
}

/** Why nothing but archive and bytecode will be in the image, though more was asked for; known before any work. */
function whyNoMore(
  request: BakeRequest,
  source: SourceImage,
  ports: Ports,
  lesson: Lesson | undefined,
): string | undefined {
  if (request.snapshot === undefined) return undefined
  if (lesson)
    return `this machine cannot run ${source.os}/${source.architecture}, and only a run can be frozen`
  return cannotComplete(nodeArchitecture(source), ports)
}

/** In a location that exists all there is may have to be read. */
async function assertNameable(output: string, { store, progress }: Ports): Promise<void> {
  if (!isLocation(output)) return await store.assertNameable(output)
  await during(progress, ['output', `Look at ${output}`], async (step) => {
    await store.assertNameable(output)
    step.done()
  })
}

interface Packed {
  layer: NewLayer
  /** Of the layer. */
  compressedBytes: number
}

/** What one pass over the image gives; a second one must give the same. */
interface Making extends Packed {
  learned: Learned
  content: MadeContent
}

/** Learns, writes the artifacts and packs the layer, with the files of the source image at hand. */
function make(
  request: BakeRequest,
  source: SourceImage,
  plan: RunPlan,
  ports: Ports,
  lesson: Lesson | undefined,
): Promise<Making> {
  return withImage(source, ports, async (image) => {
    const learned = lesson
      ? await transfer(request, lesson, { source, image }, ports)
      : await learn(request, { ...plan, image }, ports)
    const { python, selection } = learned
    // Not the image's id: tools that copy an image write its configuration anew, and the layer would differ.
    const origin = originOf(source.config)
    const { reference, validate, pyc, limits } = request
    const run = lesson ? undefined : { image: source.id, timeoutMs: limits.timeoutMs }
    const made = { python, selection, image, origin, runtime: plan.runtime }
    const content = await makeContent({ ...made, reference, validate, pyc, run }, ports)
    const packed = await pack(image, content, layerOptions(request, source, learned), ports)
    return { learned, content, ...packed }
  })
}

/** Lends the files of the image; an engine may have to prepare all of them. */
function withImage<T>(
  { id }: SourceImage,
  { engine, progress }: Ports,
  use: (image: Container) => Promise<T>,
): Promise<T> {
  const step = progress.step('open', 'Open the image')
  const opened = withContainer(engine, id, (image) => {
    step.done()
    return use(image)
  })
  opened.catch(() => step.fail('failed')) // of no effect once it is open
  return opened
}

function pack(
  image: Container,
  content: MadeContent,
  options: LayerOptions,
  { progress }: Ports,
): Promise<Packed> {
  return during(progress, ['layer', 'Pack the layer'], async (step) => {
    const layer = await makeLayer(image, content, options)
    const compressedBytes = gzipSync(layer.tar).length
    step.done(`${formatBytes(compressedBytes)} compressed`)
    return { layer, compressedBytes }
  })
}

function layerOptions(request: BakeRequest, source: SourceImage, { training }: Learned): LayerOptions {
  const hook: Hook = lacksVariables(training.unseen) ? 'by-itself' : 'variable'
  return { mtime: timeOf(request, source), hook, hidesEarlier: isBuiltOnBake(source.config) }
}

/** Of everything new in the layer. */
function timeOf({ sourceDateEpoch }: BakeRequest, source: SourceImage): Date {
  return sourceDateEpoch === undefined ? creationTime(source.config) : new Date(sourceDateEpoch * 1000)
}

interface WriteInput {
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
async function write(request: BakeRequest, input: WriteInput, ports: Ports) {
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
      created: timeOf(request, source),
      python: `CPython ${made.learned.python.python.version}`,
    })
    const digests = request.untagged ? { config: id } : await name(id, output, documents, ports)
    return { ...trial, shipped, documents, output: { reference: output, id, digests } }
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
  input: WriteInput & { id: string },
  ports: Ports,
): Promise<Shipped & { id: string }> {
  const { source, plan, made, id, cannot } = input
  const { content, layer, compressedBytes, learned } = made
  const alone = { id, layer, compressedBytes }
  if (cannot !== undefined) return { ...alone, content: withoutMore(content, request, cannot) }
  const { python, selection } = learned
  const completion = await complete(
    content,
    {
      python,
      selection,
      image: id,
      timeoutMs: request.limits.timeoutMs,
      spec: plan.spec,
      architecture: nodeArchitecture(source),
      place: FOLDER,
      mtime: timeOf(request, source),
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
  input: WriteInput & { completion: Completion },
  ports: Ports,
): Promise<(Shipped & { id: string }) | string> {
  const { source, plan, made, completion } = input
  const { learned } = made
  const packed = await withImage(source, ports, (image) =>
    pack(image, completion.content, layerOptions(request, source, learned), ports),
  )
  const bytes = packed.compressedBytes
  const [tooLarge] = layerGate(request.gates, bytes).filter(({ ok }) => !ok)
  if (tooLarge) return `the layer would have ${formatBytes(bytes)}, and --max-layer-size is less`
  const id = await append(request, { ...input, made: { ...made, ...packed } }, ports)
  const removed = () => ports.store.remove(id).catch(() => undefined) // what led to it says more
  const spec = { ...(learned.start ?? plan.spec), image: id }
  const options = { ...request, ready: plan.ready, signal: ports.signal }
  const { engine, progress } = ports
  const proved = await completion
    .prove({ engine, spec, options, progress }, learned.training, bytes - made.compressedBytes)
    .catch(async (error: unknown) => {
      await removed()
      throw error
    })
  if (typeof proved !== 'string') return { id, content: proved, ...packed }
  await removed()
  return proved
}

/** In an engine that is a moment, in a location all of the image is written. */
function name(id: string, output: string, documents: Documents, { store, progress }: Ports) {
  if (!isLocation(output)) return store.tag(id, output)
  return during(progress, ['write', `Write ${output}`], async (step) => {
    const digests = await store.tag(id, output, (manifest) => statementsOf(documents(manifest)))
    step.done()
    return digests
  })
}

function append(
  { sourceDateEpoch }: BakeRequest,
  { source, config, key, made: { learned, content, layer } }: WriteInput,
  { store, progress }: Ports,
): Promise<string> {
  return during(progress, ['append', 'Add the layer'], async (step) => {
    const { artifacts } = content
    const pythonVersion = learned.python.python.version
    const input = { source, config: await config, layer, artifacts, pythonVersion, key }
    const id = await appendToImage(store, input, sourceDateEpoch)
    step.done(shortId(id))
    return id
  })
}

/** What starts of the new image show. */
interface Shown extends Checked {
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
      ? await measure(engine, { before, after, snapshot: isMore, runs, limits, signal }, progress)
      : null
  const options = { ...request, ready: plan.ready, signal }
  const checked = await check({ engine, spec: after, options, progress }, gates)
  return { start, checks: checked.checks, gates: [...speedupGate(gates, start), ...checked.gates] }
}

/** Which runtime is used for an image that is in no engine, and why no other. */
async function tellRuntime(source: SourceImage, request: BakeRequest, ports: Ports): Promise<void> {
  if (!isLocation(source.reference) || request.mode === 'none') return
  const tell = async (step: { done(detail: string): void }) =>
    step.done((await ports.engine.describe()).endpoint)
  await during(ports.progress, ['runtime', 'Choose a runtime'], tell, 'none works')
}
