// SPDX-License-Identifier: Apache-2.0
// Is this JSON value an image configuration? All broken paths are reported at once.
import { PycdsError } from '../errors/index.js'
import { type Check, listOf, mapOf, nullable, optional, type Problem, record, unless } from './check.js'
import type { ImageConfig } from './config.js'
import { isDigestText, isOtherDigest, otherAlgorithm } from './digest.js'

const PROBLEMS_SHOWN = 8
const DEPTH_LIMIT = 100

/**
 * Returns the value as a configuration; throws IMAGE_INVALID naming each broken path, or the layer that is sound, as
 * far as anybody can tell here, and whose digest is of another algorithm.
 * @param subject which one it is, as it starts an error message
 */
export function validateConfig(value: unknown, subject = 'image configuration'): ImageConfig {
  const problems = findProblems(value)
  if (problems.length === 0) {
    const config = value as ImageConfig
    const other = config.rootfs.diff_ids.find(isOtherDigest)
    if (other === undefined) return config
    throw otherAlgorithm(`${subject}: layer ${other.slice(0, 80)}`, other)
  }
  const shown = problems.slice(0, PROBLEMS_SHOWN).map((p) => `${p.path} is not ${p.expected}`)
  const more = problems.length - shown.length
  throw new PycdsError('IMAGE_INVALID', {
    message: `${subject}: ${shown.join('; ')}${more > 0 ? `; and ${more} more` : ''}`,
    hint: 'The image is damaged or not an OCI image; build or pull it again.',
  })
}

/** Lists everything that keeps a value from being an image configuration; empty when it is one. */
export function findProblems(value: unknown): Problem[] {
  return [...configuration(value, '$'), ...tooDeep(value)]
}

const text: Check = (value, path) => unless(typeof value === 'string', path, 'a string')
/** What may be absent may be null too: to builders and engines, which are written in Go, both are the same. */
const absentOr = (check: Check) => optional(nullable(check))
const name: Check = (value, path) =>
  unless(typeof value === 'string' && value !== '', path, 'a non-empty string')
const flag: Check = (value, path) => unless(typeof value === 'boolean', path, 'true or false')
const digest: Check = (value, path) =>
  unless(isDigestText(value) || isOtherDigest(value), path, 'sha256:<64 hex digits>')
const layers: Check = (value, path) => unless(value === 'layers', path, '"layers"')

const runConfig = record({
  User: absentOr(text),
  Env: absentOr(listOf(text)),
  Entrypoint: absentOr(listOf(text)),
  Cmd: absentOr(listOf(text)),
  WorkingDir: absentOr(text),
  Labels: absentOr(mapOf(text)),
  ExposedPorts: absentOr(mapOf(() => [])),
  Volumes: absentOr(mapOf(() => [])),
  StopSignal: absentOr(text),
  Healthcheck: absentOr(record({ Test: absentOr(listOf(text)) })),
  Tty: absentOr(flag),
})

const historyEntry = record({
  created: absentOr(text),
  created_by: absentOr(text),
  comment: absentOr(text),
  empty_layer: absentOr(flag),
})

const configuration = record({
  architecture: name,
  os: name,
  variant: absentOr(text),
  created: absentOr(text),
  config: absentOr(runConfig),
  rootfs: record({ type: layers, diff_ids: listOf(digest) }),
  history: absentOr(listOf(historyEntry)),
})

/** Deeper documents cannot be looked at without exhausting the stack, and nobody writes them. */
function tooDeep(value: unknown, depth = 0): Problem[] {
  if (typeof value !== 'object' || value === null) return []
  if (depth > DEPTH_LIMIT) return [{ path: '$', expected: `nested at most ${DEPTH_LIMIT} deep` }]
  return Object.values(value).flatMap((item) => tooDeep(item, depth + 1))
}
