// SPDX-License-Identifier: Apache-2.0
// What a baked image says of itself, and how an image that was baked before is taken back
// to what it was.

import { chainId, type DiffId, type ImageConfig, removeLayer, removeSettings } from '../image/index.js'
import { LAUNCHER_PATH } from '../marks/launcher.js'
import { ARTIFACT_VARIABLES, LABELS, LEARN_DIRECTORY, LEARN_VARIABLES } from '../marks/marks.js'

/** The labels of a config, empty when it has none. */
export function labelsOf(config: ImageConfig): Record<string, string> {
  return { ...config.config?.Labels }
}

/** Whether a bake made this image. */
export function isBaked(config: ImageConfig): boolean {
  return labelsOf(config)[LABELS.layer] !== undefined
}

/** The directory in which the containers of a prepared image learn; undefined where it was not prepared. */
export function learnsIn(config: ImageConfig): string | undefined {
  return labelsOf(config)[LABELS.learn]
}

/** Whether the layer of that bake can be taken off: nothing was built on the image since. */
export function isReplaceable(config: ImageConfig): boolean {
  const layer = labelsOf(config)[LABELS.layer]
  return layer !== undefined && config.rootfs.diff_ids.at(-1) === layer
}

/**
 * Whether what is in the image is no longer what its labels tell of: it was built, squashed or committed on top of a
 * bake, whose files it keeps.
 */
export function isBuiltOnBake(config: ImageConfig): boolean {
  return isBaked(config) && !isReplaceable(config)
}

/** The config without the environment and labels of an earlier bake, and without its layer where that can be taken off. */
export function withoutBake(config: ImageConfig): ImageConfig {
  const layer = labelsOf(config)[LABELS.layer]
  if (layer === undefined) return config
  const change = {
    // One that an image has by itself stays.
    unsetEnv: [...ARTIFACT_VARIABLES, ...(learnsIn(config) === LEARN_DIRECTORY ? LEARN_VARIABLES : [])],
    unsetLabels: Object.values(LABELS),
    launcher: LAUNCHER_PATH,
  }
  if (isReplaceable(config)) return removeLayer(config, layer as DiffId, change)
  return config.config ? { ...config, config: removeSettings(config.config, change) } : config
}

/** What a bake was made from, as its labels tell: the id of an image; undefined where they tell of another image. */
export function sourceOf(config: ImageConfig): string | undefined {
  return isBuiltOnBake(config) ? undefined : labelsOf(config)[LABELS.source]
}

/** Tells of a file of an earlier bake that no bake can take away. */
export function deadWarning(path: string): string {
  return (
    `an earlier bake has left ${path}, which stays in a lower layer and is read by nobody: ` +
    'build on the image as it was before that bake to be rid of it'
  )
}

/** The identity of the image's file system, without that of an earlier bake: the same wherever a copy of it lies. */
export function originOf(config: ImageConfig): string | null {
  const diffIds = config.rootfs.diff_ids
  return chainId(isReplaceable(config) ? diffIds.slice(0, -1) : diffIds) ?? null
}
