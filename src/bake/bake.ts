// SPDX-License-Identifier: Apache-2.0
// The bake: resolve, train, archive, append, measure, tag. The new image has no name until
// everything else has succeeded, so a failure leaves nothing that anybody could run.
import { gzipSync } from 'node:zlib'
import { isLocation } from '../image/index.js'
import type { Progress } from '../log/index.js'
import type { Surroundings, Trace } from '../train/index.js'
import { append } from './append.js'
import { nodeArchitecture } from './architecture.js'
import type { Validate } from './archiver.js'
import { addBytecode, describeBytecode, type Pyc } from './bytecode/index.js'
import { withContainer } from './container.js'
import { type Lesson, transfer } from './foreign/transfer.js'
import { assertGates, type Gates, layerGate, reproGate } from './gates.js'
import { ARCHIVE_PATH } from './layer.js'
import { type LearnRequest, learn } from './learn.js'
import { makeArchive } from './make-archive.js'
import { chooseOutput, type OutputRequest } from './output.js'
import type { Archiver, Engine, ImageStore, SourceImage } from './ports.js'
import { difference } from './repro.js'
import type { BakeResult } from './result.js'
import { planRuns, resolveSource } from './source.js'
import { toTrace } from './traces.js'
import { describeTraining } from './training.js'

export interface BakeRequest extends LearnRequest, OutputRequest {
  /** For runs of the image only; they reach nothing that is written. */
  surroundings: Surroundings
  validate: Validate
  /** For which packages missing bytecode files are added. */
  pyc: Pyc
  /** Timed starts of each image; 0 for none. */
  measureRuns: number
  dryRun: boolean
  /** Leave the new image without a name; the caller removes it. */
  untagged?: boolean
  /** Seconds since 1970, from SOURCE_DATE_EPOCH: the time of everything new; default: when the source was made. */
  sourceDateEpoch?: number
  gates: Gates
}

export interface BakePorts {
  store: ImageStore
  engine: Engine
  archiver: Archiver
  progress: Progress
  signal: AbortSignal
  /** Given what was learned, once everything else has succeeded. */
  onTrace?: (trace: Trace) => void
  /** Given what a run taught, for images that cannot be run. */
  onLesson?: (lesson: Lesson) => void
}

/**
 * Bakes an image into a new one. Every failure is a PycdsError and leaves the engine as it was.
 * @param lesson makes up for a run, which the image is not put to then.
 */
export async function bake(request: BakeRequest, ports: BakePorts, lesson?: Lesson): Promise<BakeResult> {
  chooseOutput(request) // a name that cannot be is told before anything is done
  const source = await resolveSource(request.reference, ports)
  const output = chooseOutput(request, source.name)
  const architecture = nodeArchitecture(source)
  if (!lesson) await tellRuntime(source, request, ports)
  const injected = ports.archiver.injected(architecture)
  const input = planRuns(request, source, injected)
  // The engine takes seconds to give the exact config; it is only needed at the end.
  const exactConfig = request.dryRun ? Promise.resolve(source.config) : ports.store.readConfig(source)
  exactConfig.catch(() => undefined) // whoever awaits it sees the error
  const once = () =>
    withContainer(ports.engine, source.id, async (image) => {
      const learned = lesson
        ? await transfer(request, lesson, { source, image }, ports)
        : await learn(request, { ...input, image }, ports)
      const { python, selection } = learned
      const bytecode = lesson
        ? { files: [], packages: 0, failed: 0 }
        : await addBytecode({ image: source.id, python, selection, request }, ports)
      const runtime = injected.runtime
      const made = await makeArchive({ request, source, python, selection, bytecode, runtime, image }, ports)
      return { learned, bytecode, made }
    })
  const first = await once()
  const { learned, bytecode, made } = first
  ports.onLesson?.({ source, input, learned })
  const { python, training, warnings } = learned
  for (const warning of warnings) ports.progress.warn(warning)
  const compressedBytes = gzipSync(made.layer.tar).length
  const early = [
    ...layerGate(request.gates, compressedBytes),
    ...reproGate(request.gates, request.gates.checkRepro ? difference(first, await once()) : undefined),
  ]
  assertGates(request.reference, early)
  const trials = {
    start: learned.start ?? input.spec,
    options: { ...request, ready: input.ready, signal: ports.signal },
  }
  const written = request.dryRun
    ? null
    : await append(source, exactConfig, made, trials, output, request, ports)
  ports.onTrace?.(
    toTrace({ id: source.id, platform: `${source.os}/${source.architecture}` }, python, learned.selection),
  )
  return {
    schema: 'io.pycds.bake/1',
    source: { reference: request.reference, id: source.id },
    output: written && {
      ...{ reference: output, id: written.id, configDigest: written.digests.config },
      manifestDigest: written.digests.manifest ?? null,
    },
    python: {
      version: python.python.version,
      executable: python.python.executable,
      library: python.python.library === python.python.executable ? null : python.python.library,
      buildId: made.identity.hex,
      abi: python.python.cacheTag,
    },
    training: describeTraining(request, source.config, training),
    archive: {
      path: ARCHIVE_PATH,
      bytes: made.archiveBytes,
      ...{ modules: made.modules, regexes: made.regexes, sources: made.sources },
      leftOut: made.leftOut,
    },
    bytecode: describeBytecode(request.pyc, bytecode),
    layer: {
      diffId: made.layer.diffId,
      bytes: made.layer.tar.length,
      compressedBytes,
    },
    start: written?.start ?? null,
    gates: [...early, ...(written?.gates ?? [])],
    hitRate: written?.hits
      ? { served: written.hits.served, total: written.hits.total, percent: written.hits.percent }
      : null,
    warnings,
  }
}

/** Which runtime is used for an image that is in no engine, and why no other. */
async function tellRuntime(source: SourceImage, request: BakeRequest, ports: BakePorts): Promise<void> {
  if (!isLocation(source.reference) || request.mode === 'none') return
  const step = ports.progress.step('runtime', 'Choose a runtime')
  try {
    step.done((await ports.engine.describe()).endpoint)
  } catch (error) {
    step.fail('none works')
    throw error
  }
}
