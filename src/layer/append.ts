// SPDX-License-Identifier: Apache-2.0
// The new image: the source image's configuration with one more layer, and what its artifacts set.
import { appendLayer, creationText, type ImageConfig } from '../image/index.js'
import { LAUNCHER_PATH } from '../marks/launcher.js'
import { COMMENTS, LABELS } from '../marks/marks.js'
import { FOLDER } from '../marks/places.js'
import type { ImageStore, NewLayer, SourceImage } from '../ports/index.js'
import { TOOL_VERSION } from '../util/version.js'
import type { Artifact } from './artifact.js'
import type { Hidden } from './earlier.js'
import { sourceOf, withoutBake } from './labels.js'

export interface AppendInput {
  source: SourceImage
  /** The exact configuration of the source image. */
  config: ImageConfig
  layer: NewLayer
  /** What it hides of the layers below. */
  hides: Hidden | undefined
  artifacts: readonly Artifact[]
  pythonVersion: string
  /** What a bake that would make the same is known by; none for what no bake has made. */
  key?: string
  /** Whether the program that lets an entrypoint go on in a snapshot at once stands in front of it. */
  launched?: boolean
  /** What made the layer; default: a bake. */
  verb?: 'bake' | 'prepare'
}

/**
 * Makes the image in the store, without a name; returns its id. A layer of an earlier bake is replaced.
 * @param epoch seconds since 1970: when the image was made; default: when its source was.
 */
export async function appendToImage(
  store: ImageStore,
  input: AppendInput,
  epoch: number | undefined,
): Promise<string> {
  const { source, layer, verb = 'bake' } = input
  const config = createdAt(withoutBake(input.config), epoch)
  const changed = appendLayer(
    config,
    {
      diffId: layer.diffId,
      createdBy: `pycds-image ${TOOL_VERSION} ${verb}`,
      comment: COMMENTS[verb],
      created: creationText(config),
    },
    {
      env: Object.assign({}, ...input.artifacts.map((artifact) => artifact.environment(FOLDER))),
      labels: {
        [LABELS.layer]: layer.diffId,
        [LABELS.source]: sourceOf(source.config) ?? source.id,
        [LABELS.version]: TOOL_VERSION,
        [LABELS.python]: input.pythonVersion,
        ...(input.hides === undefined ? {} : { [LABELS.hides]: input.hides }),
        ...(input.key === undefined ? {} : { [LABELS.key]: input.key }),
        ...Object.assign({}, ...input.artifacts.map(({ labels }) => labels)),
      },
      ...(input.launched ? { launcher: LAUNCHER_PATH } : {}),
    },
  )
  return await store.append(source, changed, layer)
}

function createdAt(config: ImageConfig, epoch: number | undefined): ImageConfig {
  return epoch === undefined ? config : { ...config, created: new Date(epoch * 1000).toISOString() }
}
