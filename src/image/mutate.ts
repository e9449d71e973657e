// SPDX-License-Identifier: Apache-2.0
// New configurations from old ones. Inputs are never changed, and fields that are not
// about the layer at hand keep their value and their place.
import { PycdsError } from '../errors/index.js'
import type { HistoryEntry, ImageConfig, RunConfig } from './config.js'
import type { DiffId } from './digest.js'

/** A layer as the configuration records it. */
export interface LayerRecord {
  readonly diffId: DiffId
  /** What made the layer, shown by `docker history`. */
  readonly createdBy: string
  readonly comment: string
  /** RFC 3339. */
  readonly created: string
}

/** Settings that come with a layer. */
export interface ConfigAddition {
  readonly env: Readonly<Record<string, string>>
  readonly labels: Readonly<Record<string, string>>
  /** A program that the entrypoint begins with, and the command where there is none. */
  readonly launcher?: string
}

/** Settings that go with a layer. */
export interface ConfigRemoval {
  readonly unsetEnv: readonly string[]
  readonly unsetLabels: readonly string[]
  readonly launcher?: string
}

/**
 * Puts a layer on top. The image's own creation time stays, so the result depends on nothing but the input.
 * Variables that exist are replaced where they are, new ones go to the end.
 */
export function appendLayer(config: ImageConfig, layer: LayerRecord, change: ConfigAddition): ImageConfig {
  const entry: HistoryEntry = { created: layer.created, created_by: layer.createdBy, comment: layer.comment }
  return {
    ...config,
    config: addSettings(config.config, change),
    rootfs: { ...config.rootfs, diff_ids: [...config.rootfs.diff_ids, layer.diffId] },
    history: [...(config.history ?? []), entry],
  }
}

/** How containers are run, with more variables and labels; those that exist are replaced where they are. */
export function addSettings(config: RunConfig | null | undefined, change: ConfigAddition): RunConfig {
  return {
    ...config,
    Env: setVariables(config?.Env ?? [], change.env),
    Labels: { ...config?.Labels, ...change.labels },
    ...(change.launcher === undefined
      ? {}
      : { Entrypoint: [change.launcher, ...(config?.Entrypoint ?? [])] }),
  }
}

/** How containers are run, without some variables and labels. */
export function removeSettings(config: RunConfig, change: ConfigRemoval): RunConfig {
  const [first, ...entrypoint] = config.Entrypoint ?? []
  const labels = Object.entries(config.Labels ?? {}).filter(([name]) => !change.unsetLabels.includes(name))
  return {
    ...config,
    ...(config.Env
      ? { Env: config.Env.filter((item) => !change.unsetEnv.includes(variableName(item))) }
      : {}),
    ...(config.Labels ? { Labels: Object.fromEntries(labels) } : {}),
    ...(first !== undefined && first === change.launcher
      ? { Entrypoint: entrypoint.length === 0 ? null : entrypoint }
      : {}),
  }
}

/**
 * Takes the last layer off, with its variables and labels, and with its entry of a history that has one.
 * Throws IMAGE_INVALID when the last layer is another one.
 */
export function removeLayer(config: ImageConfig, diffId: DiffId, change: ConfigRemoval): ImageConfig {
  const diffIds = config.rootfs.diff_ids
  if (diffIds.at(-1) !== diffId) throw notRemovable(diffId, 'it is not the last layer of the image')
  const history = config.history ?? []
  const index = history.findLastIndex((entry) => entry.empty_layer !== true)
  return {
    ...config,
    ...(config.config ? { config: removeSettings(config.config, change) } : {}),
    rootfs: { ...config.rootfs, diff_ids: diffIds.slice(0, -1) },
    history: index < 0 ? history : history.toSpliced(index, 1),
  }
}

function setVariables(list: readonly string[], values: Readonly<Record<string, string>>): string[] {
  const result: string[] = []
  const pending = new Map(Object.entries(values))
  const done = new Set<string>()
  for (const item of list) {
    const name = variableName(item)
    const value = pending.get(name)
    if (value !== undefined) {
      result.push(`${name}=${value}`)
      pending.delete(name)
      done.add(name)
    } else if (!done.has(name)) {
      result.push(item)
    }
  }
  for (const [name, value] of pending) result.push(`${name}=${value}`)
  return result
}

function variableName(item: string): string {
  const equals = item.indexOf('=')
  return equals < 0 ? item : item.slice(0, equals)
}

function notRemovable(diffId: DiffId, reason: string): PycdsError {
  return new PycdsError('IMAGE_INVALID', {
    message: `layer ${diffId}: cannot be replaced, ${reason}`,
    hint: 'Bake the image that it was made from instead.',
  })
}
