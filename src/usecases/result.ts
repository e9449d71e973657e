// SPDX-License-Identifier: Apache-2.0
// What a bake tells, as `--json` prints it.

import type { MadeContent, Summaries } from '../artifact/content.js'
import type { Checks } from '../artifact/kind/artifact.js'
import type { Learned } from '../learn/learn.js'
import type { TrainingSummary } from '../learn/training.js'
import type { Gate } from '../measure/gates.js'
import type { StartComparison } from '../measure/measure.js'
import type { ImageDigests } from '../ports/index.js'
import type { Packed } from './pack.js'

export interface BakeResult extends Summaries, Checks {
  schema: 'io.pycds.bake/1'
  /** Ports as the image has them in EXPOSE: `8000/tcp`. */
  source: { reference: string; id: string; exposedPorts: string[] }
  /** What the bake is known by: one with the same key would make the same image. */
  key: string
  output: {
    reference: string
    id: string
    configDigest: string
    /** Null where images have no manifests. */
    manifestDigest: string | null
  } | null
  python: { version: string; executable: string; library: string | null; buildId: string; abi: string }
  training: TrainingSummary
  layer: { diffId: string; bytes: number; compressedBytes: number }
  start: StartComparison | null
  /** Limits that were asked for; a result exists only when all of them are kept. */
  gates: Gate[]
  warnings: string[]
}

/** Several images of one index, each baked for a platform of its own. */
export interface BakePlatformsResult {
  schema: 'io.pycds.bake-platforms/1'
  source: { reference: string }
  /** What the bake is known by; of the keys of its images. */
  key: string
  /** The digest is that of the new index. */
  output: { reference: string; digest: string } | null
  /** As they were asked for. */
  platforms: {
    platform: string
    /** Whose run it was made from: its own, where this machine can run it. */
    trainedOn: string
    result: BakeResult
  }[]
}

/** The image that was made. */
export function describeOutput({
  reference,
  id,
  digests,
}: {
  reference: string
  id: string
  digests: ImageDigests
}): NonNullable<BakeResult['output']> {
  return { reference, id, configDigest: digests.config, manifestDigest: digests.manifest ?? null }
}

/** The layer that it got. */
export function describeLayer({ layer, compressedBytes }: Packed): BakeResult['layer'] {
  return { diffId: layer.diffId, bytes: layer.tar.length, compressedBytes }
}

/** What holds the interpreter where a program has it as a library; else null. */
export function libraryOf({ library, executable }: { library: string; executable: string }): string | null {
  return library === executable ? null : library
}

/** The interpreter that an image was baked for. */
export function describePython(
  { python: { python } }: Learned,
  { identity }: MadeContent,
): BakeResult['python'] {
  const { version, executable, cacheTag } = python
  return {
    version,
    executable,
    library: libraryOf(python),
    buildId: identity.hex,
    abi: cacheTag,
  }
}
