// SPDX-License-Identifier: Apache-2.0
// The bake, from top to bottom. The new image has no name until everything else has succeeded, so a failure leaves
// nothing that anybody could run.
import { cannotComplete, withoutMore } from '../artifact/complete.js'
import { makeContent } from '../artifact/content.js'
import { ARCHIVE_PATH } from '../artifact/kind/baked.js'
import { NO_CHECKS } from '../artifact/trial.js'
import { type ImageConfig, isLocation, nodeArchitecture } from '../image/index.js'
import { type Earlier, earlierIn, lostSnapshot } from '../layer/earlier.js'
import { deadWarning, isBuiltOnBake, originOf } from '../layer/labels.js'
import { type Lesson, transfer } from '../learn/foreign/transfer.js'
import { learn } from '../learn/learn.js'
import { planRuns, type RunPlan, resolveSource, subjectOf } from '../learn/source.js'
import type { Trace } from '../learn/trace/trace-file.js'
import { toTrace } from '../learn/trace/traces.js'
import { describeTraining } from '../learn/training.js'
import { during } from '../log/index.js'
import { FOLDER } from '../marks/places.js'
import { assertGates, layerGate, reproGate } from '../measure/gates.js'
import type { Ports, SourceImage } from '../ports/index.js'
import { assertCopies, carryAttachments } from './attachments.js'
import type { BakeRequest } from './bake-request.js'
import type { Documents } from './documents.js'
import { bakeKey } from './key.js'
import { chooseOutput } from './output.js'
import { layerOptions, type Making, pack, withImage } from './pack.js'
import { difference } from './repro.js'
import { type BakeResult, describeLayer, describeOutput, describePython } from './result.js'
import { assertPlace, assertRoom } from './room.js'
import { ship } from './ship.js'

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
  const found = [...learned.warnings, ...earlierWarnings(request, source, first.earlier)]
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

  // From here on nothing more is learned; the image's files are only read again where a snapshot joins the layer.
  const written = request.dryRun
    ? undefined
    : await ship(request, { source, config, output, plan, made: first, cannot, key, trace }, ports)
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
      source: { reference: request.reference, id: source.id, exposedPorts: portsOf(source.config) },
      key,
      output: written ? describeOutput(written.output) : null,
      python: describePython(learned, content),
      training: describeTraining(request, source.config, plan.ready, training),
      ...shipped.content.summaries(FOLDER),
      layer: describeLayer(shipped),
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

function portsOf({ config }: ImageConfig): string[] {
  return Object.keys(config?.ExposedPorts ?? {}).sort()
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

/** Learns, writes the artifacts and packs the layer, with the files of the source image at hand. */
function make(
  request: BakeRequest,
  source: SourceImage,
  plan: RunPlan,
  ports: Ports,
  lesson: Lesson | undefined,
): Promise<Making> {
  return withImage(source, ports, async (image) => {
    await assertPlace(source, image)
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
    const earlier = await earlierIn(source.config, image)
    const packed = await pack(image, content, layerOptions(request, source, { learned, earlier }), ports)
    return { learned, content, earlier, ...packed }
  })
}

/** What of an earlier bake is not in the new image, or is there and of no use. */
function earlierWarnings({ snapshot }: BakeRequest, { config }: SourceImage, earlier: Earlier): string[] {
  const dead = isBuiltOnBake(config) ? deadWarning(ARCHIVE_PATH) : undefined
  const lost = snapshot === undefined ? lostSnapshot(earlier) : undefined
  return [dead, lost].filter((one) => one !== undefined)
}

/** Which runtime is used for an image that is in no engine, and why no other. */
async function tellRuntime(source: SourceImage, request: BakeRequest, ports: Ports): Promise<void> {
  if (!isLocation(source.reference) || request.mode === 'none') return
  const tell = async (step: { done(detail: string): void }) =>
    step.done((await ports.engine.describe()).endpoint)
  await during(ports.progress, ['runtime', 'Choose a runtime'], tell, 'none works')
}
