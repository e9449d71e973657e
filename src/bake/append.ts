// SPDX-License-Identifier: Apache-2.0
// The end of a bake: the new image, its measured start, its name.
import { appendLayer, type ImageConfig } from '../image/index.js'
import type { Progress } from '../log/index.js'
import type { TrainingOptions, TrainingSpec } from '../train/index.js'
import { assertGates, type Gate, type Gates, hitRateGate, speedupGate } from './gates.js'
import { countHits, type HitRate } from './hit-rate.js'
import { ARCHIVE_ENV, LABELS, labelsOf, withoutBake } from './labels.js'
import type { Made } from './make-archive.js'
import { measure } from './measure.js'
import type { Engine, ImageDigests, ImageStore, SourceImage } from './ports.js'
import type { BakeResult } from './result.js'
import { TOOL_VERSION } from './version.js'

export interface AppendPorts {
  store: ImageStore
  engine: Engine
  progress: Progress
  signal: AbortSignal
}

export interface AppendRequest {
  reference: string
  timeoutMs: number
  measureRuns: number
  /** The caller removes the image again, which nobody could find by a name. */
  untagged?: boolean
  /** Seconds since 1970: when the image and its last layer were made, instead of when its source was. */
  sourceDateEpoch?: number
  gates: Gates
}

/** The runs of the new image before it gets its name. */
export interface Trials {
  /** As the source image was trained. */
  start: TrainingSpec
  options: TrainingOptions
}

export interface Appended {
  id: string
  digests: ImageDigests
  start: BakeResult['start']
  hits: HitRate | null
  gates: Gate[]
}

/**
 * Adds the layer, measures, and only then gives the new image its name; on failure no new image is left.
 * @param config the exact config of the source image.
 */
export async function append(
  source: SourceImage,
  exactConfig: Promise<ImageConfig>,
  made: Made,
  trials: Trials,
  output: string,
  request: AppendRequest,
  ports: AppendPorts,
): Promise<Appended> {
  const step = ports.progress.step('append', 'Add the layer')
  let id: string
  try {
    const config = createdAt(withoutBake(await exactConfig), request.sourceDateEpoch)
    const changed = appendLayer(
      config,
      {
        diffId: made.layer.diffId,
        createdBy: `pycds-image ${TOOL_VERSION} bake`,
        comment: 'code data sharing archive',
        created: config.created ?? new Date(0).toISOString(),
      },
      {
        env: ARCHIVE_ENV,
        labels: {
          [LABELS.layer]: made.layer.diffId,
          [LABELS.source]: labelsOf(source.config)[LABELS.source] ?? source.id,
          [LABELS.version]: TOOL_VERSION,
          [LABELS.python]: made.pythonVersion,
        },
      },
    )
    id = await ports.store.append(source, changed, made.layer)
    step.done(id.slice(7, 19))
  } catch (error) {
    step.fail('failed')
    throw error
  }
  try {
    const after = { ...trials.start, image: id }
    const watch = { timeoutMs: request.timeoutMs, signal: ports.signal }
    const start =
      request.measureRuns > 0
        ? await measure(
            ports.engine,
            { before: trials.start, after, runs: request.measureRuns, watch },
            ports.progress,
          )
        : null
    const hits =
      request.gates.minHitRate === undefined
        ? null
        : await countHits(ports.engine, after, trials.options, ports.progress)
    const gates = [...speedupGate(request.gates, start), ...hitRateGate(request.gates, hits)]
    assertGates(request.reference, gates)
    ports.signal.throwIfAborted()
    const digests = request.untagged ? { config: id } : await ports.store.tag(id, output)
    return { id, digests, start, hits, gates }
  } catch (error) {
    await ports.store.remove(id).catch(() => undefined) // the first error is the one to report
    throw error
  }
}

function createdAt(config: ImageConfig, epoch: number | undefined): ImageConfig {
  return epoch === undefined ? config : { ...config, created: new Date(epoch * 1000).toISOString() }
}
