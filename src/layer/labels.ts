// SPDX-License-Identifier: Apache-2.0
// What a baked image says of itself, and how an image that was baked before is taken back
// to what it was.
import { ARTIFACT_VARIABLES, LEARN_VARIABLES } from '../artifact/marks.js'
import { chainId, type DiffId, type ImageConfig, removeLayer } from '../image/index.js'
import { LABELS } from './marks.js'

/** The labels of a config, empty when it has none. */
export function labelsOf(config: ImageConfig): Record<string, string> {
  return { ...config.config?.Labels }
}

/** Whether a bake made this image. */
export function isBaked(config: ImageConfig): boolean {
  return labelsOf(config)[LABELS.layer] !== undefined
}

/** The config without the layer, environment and labels of an earlier bake. */
export function withoutBake(config: ImageConfig): ImageConfig {
  const layer = labelsOf(config)[LABELS.layer]
  if (layer === undefined) return config
  return removeLayer(config, layer as DiffId, {
    // One that an image has by itself stays.
    unsetEnv: [
      ...ARTIFACT_VARIABLES,
      ...(labelsOf(config)[LABELS.learn] === undefined ? [] : LEARN_VARIABLES),
    ],
    unsetLabels: Object.values(LABELS),
  })
}

/** The identity of the image's file system, without that of an earlier bake: the same wherever a copy of it lies. */
export function originOf(config: ImageConfig): string | null {
  const diffIds = config.rootfs.diff_ids
  const isOwn = diffIds.at(-1) === labelsOf(config)[LABELS.layer]
  return chainId(isOwn ? diffIds.slice(0, -1) : diffIds) ?? null
}
