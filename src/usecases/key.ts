// SPDX-License-Identifier: Apache-2.0
// What a bake is known by: two with the same key would make the same image. It is in a label for anybody to read, so
// nothing goes into it that somebody could find out by trying: of variables only their names.
import { type Digest, sha256Digest } from '../image/index.js'
import { sourceOf } from '../layer/labels.js'
import { formatTrace } from '../learn/trace/trace-file.js'
import type { SourceImage } from '../ports/index.js'
import { compare } from '../util/order.js'
import { TOOL_VERSION } from '../util/version.js'
import type { BakeRequest } from './bake-request.js'

/** What does not change the image that is made: where it goes, how long things may take, what is compared. */
const NOT_IN_KEY: readonly (keyof BakeRequest)[] = [
  ...(['reference', 'tag', 'output', 'untagged', 'dryRun', 'measureRuns', 'limits'] as const),
  // In another form, below.
  ...(['traces', 'surroundings'] as const),
]

/** The options of a bake that make its image what it is, without anything that nobody should see. */
export function describeOptions(request: BakeRequest): Record<string, unknown> {
  const { env, mounts, network, hosts } = request.surroundings
  const options = Object.entries(request).filter(([name]) => !NOT_IN_KEY.some((one) => one === name))
  const described = {
    ...Object.fromEntries(options),
    traces: request.traces.map(({ trace }) => sha256Digest(Buffer.from(formatTrace(trace)))),
    env: Object.keys(env).sort(),
    // Where a mount comes from differs from machine to machine.
    mounts: mounts.map(({ target, readOnly }) => ({ target, readOnly })),
    network,
    hosts,
  }
  return JSON.parse(JSON.stringify(described, inOrder)) as Record<string, unknown>
}

/**
 * The key of a bake. Every option is in it unless it is known to change nothing. A bake of a baked image makes what a bake of
 * that image's own source makes.
 */
export function bakeKey(request: BakeRequest, source: SourceImage): Digest {
  const options = describeOptions(request)
  return digestOf({
    tool: TOOL_VERSION,
    source: sourceOf(source.config) ?? source.manifest ?? source.id,
    options,
  })
}

/** The key of several bakes that are made together. */
export function joinKeys(keys: readonly string[]): string {
  return keys.length === 1 ? (keys[0] ?? '') : digestOf(keys)
}

/** Of a value, in whichever order its fields were set. */
function digestOf(value: unknown): Digest {
  return sha256Digest(Buffer.from(JSON.stringify(value, inOrder)))
}

function inOrder(_key: string, value: unknown): unknown {
  if (value instanceof RegExp) return String(value)
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value
  return Object.fromEntries(Object.entries(value).sort(([a], [b]) => compare(a, b)))
}
