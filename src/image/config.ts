// SPDX-License-Identifier: Apache-2.0
// The OCI image configuration as a value. Fields that are not named here are carried
// along untouched, so the types are open; only what this project reads is typed.
import type { DiffId } from './digest.js'

/** A JSON object whose remaining fields are preserved as they are. */
export interface OpenObject {
  readonly [field: string]: unknown
}

/** One line of `docker history`. */
export interface HistoryEntry extends OpenObject {
  readonly created?: string
  readonly created_by?: string
  readonly comment?: string
  /** True when the step changed only the configuration, so it owns no layer. */
  readonly empty_layer?: boolean
}

/** The HEALTHCHECK of an image; times are nanoseconds. */
export interface HealthcheckConfig extends OpenObject {
  readonly Test?: readonly string[] | null
  readonly Interval?: number
  readonly Timeout?: number
  readonly StartPeriod?: number
  readonly Retries?: number
}

/** How containers of the image are run. */
export interface RunConfig extends OpenObject {
  readonly User?: string | null
  readonly Env?: readonly string[] | null
  readonly Entrypoint?: readonly string[] | null
  readonly Cmd?: readonly string[] | null
  readonly WorkingDir?: string | null
  readonly Labels?: Readonly<Record<string, string>> | null
  readonly ExposedPorts?: Readonly<Record<string, unknown>> | null
  readonly Volumes?: Readonly<Record<string, unknown>> | null
  readonly StopSignal?: string | null
  readonly Healthcheck?: HealthcheckConfig | null
  readonly Tty?: boolean | null
}

/** The image configuration; its digest is the image id on the classic store. */
export interface ImageConfig extends OpenObject {
  readonly architecture: string
  readonly os: string
  readonly variant?: string | null
  readonly created?: string | null
  readonly config?: RunConfig | null
  readonly rootfs: { readonly type: 'layers'; readonly diff_ids: readonly DiffId[] }
  /** Oldest first. */
  readonly history?: readonly HistoryEntry[] | null
}
