// SPDX-License-Identifier: Apache-2.0
// A result of BuildKit as a list of images, one for each platform, and back.
import { create } from '@bufbuild/protobuf'
import type { ImageConfig } from '../image/index.js'
import { type Ref, type Result, ResultSchema } from './gen/gateway_pb.js'
import type { Platform } from './llb/index.js'

/** A configuration as a builder has it before there are layers. */
export type BuildConfig = Pick<ImageConfig, 'architecture' | 'os' | 'variant' | 'config' | 'history'>

export interface BuiltImage {
  /** `linux/amd64`, as the builder calls it; undefined when only one platform was built. */
  readonly id: string | undefined
  readonly ref: Ref
  readonly config: BuildConfig
  readonly platform: Platform
}

const CONFIG_KEY = 'containerimage.config'

/** The images of a result. What has no configuration, or no files, is no image. */
export function imagesOf(result: Result): BuiltImage[] {
  const refs: [string | undefined, Ref][] =
    result.result.case === 'ref'
      ? [[undefined, result.result.value]]
      : Object.entries(result.result.value?.refs ?? {})
  return refs.flatMap(([id, ref]) => {
    const config = readConfig(result.metadata[configKey(id)] ?? result.metadata[CONFIG_KEY])
    if (config === undefined || ref.id === '') return []
    return [{ id, ref, config, platform: platformOf(config) }]
  })
}

/** The result with other images for some of its platforms; everything else is passed on as it came. */
export function replaceImages(result: Result, images: readonly BuiltImage[]): Result {
  const changed = create(ResultSchema, result)
  for (const { id, ref, config } of images) {
    changed.metadata[configKey(id)] = Buffer.from(JSON.stringify(config))
    if (changed.result.case === 'ref') changed.result = { case: 'ref', value: ref }
    else if (changed.result.case === 'refs' && id !== undefined) changed.result.value.refs[id] = ref
  }
  return changed
}

function platformOf({ architecture, os, variant }: BuildConfig): Platform {
  return { architecture, os, variant: variant ?? '' }
}

function configKey(id: string | undefined): string {
  return id === undefined ? CONFIG_KEY : `${CONFIG_KEY}/${id}`
}

function readConfig(bytes: Uint8Array | undefined): BuildConfig | undefined {
  if (bytes === undefined) return undefined
  try {
    const config: unknown = JSON.parse(Buffer.from(bytes).toString())
    return isConfig(config) ? config : undefined
  } catch {
    return undefined // the exporter will refuse it
  }
}

function isConfig(value: unknown): value is BuildConfig {
  const { architecture, os } = (value ?? {}) as Record<string, unknown>
  return typeof architecture === 'string' && typeof os === 'string'
}
