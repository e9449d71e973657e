// SPDX-License-Identifier: Apache-2.0
// From what an engine or a socket says to what a user can act on.
import { PycdsError } from '../errors/index.js'

/** A reply with a status that means failure; always the cause of the PycdsError that is thrown. */
export class EngineReply extends Error {
  override readonly name = 'EngineReply'
  readonly status: number

  constructor(status: number, text: string) {
    super(text)
    this.status = status
  }
}

const UNREACHABLE = new Set([
  ...['ECONNREFUSED', 'ECONNRESET', 'ECONNABORTED', 'ENOENT', 'EACCES', 'EPERM', 'ENOTSOCK'],
  ...[
    'ETIMEDOUT',
    'EHOSTUNREACH',
    'ENETUNREACH',
    'ENOTFOUND',
    'EAI_AGAIN',
    'EPIPE',
    'ERR_STREAM_PREMATURE_CLOSE',
  ],
])
const NO_SPACE = /no space left on device|disk quota exceeded/i
const NO_IMAGE = /no such image|image not known/i
const MAX_REASON_LENGTH = 300
const SHORT_CLAUSE = 12
/** What runtimes say before every reason. */
const NOISE = /^.*(?:unable to start container process|starting container process caused): /
/** Clauses that mean little without the next one. */
const OPENS_A_REASON =
  /^(exec|open|stat|lstat|mkdir|chdir|write|read|copy|unable to|cannot|no such|invalid)\b|^"/i

/**
 * Turns any failure of a call to the engine into a PycdsError.
 *
 * @param subject what the call was about, as it starts a sentence: "image app:1"
 * @param address the engine's address, shown when it cannot be reached
 */
export function engineError(error: unknown, subject: string, address: string): PycdsError {
  if (error instanceof PycdsError) return error
  const text = error instanceof Error ? error.message : String(error)
  if (NO_SPACE.test(text)) return noSpace(subject, error)
  if (error instanceof EngineReply) {
    return NO_IMAGE.test(text) ? noImage(subject, error) : refused(subject, text, error)
  }
  if (isConnectionError(error)) return unreachable(address, error)
  return refused(subject, text, error)
}

/** An entry such as `{"error": "..."}` inside a reply that had begun well. */
export function streamedError(text: string, subject: string): PycdsError {
  return NO_SPACE.test(text) ? noSpace(subject, new Error(text)) : refused(subject, text, new Error(text))
}

/** The HTTP status that the engine answered with, when the failure was an answer. */
export function statusOf(error: unknown): number | undefined {
  return replyOf(error)?.status
}

/** The engine's own words, when the failure was an answer. */
export function replyTextOf(error: unknown): string | undefined {
  return replyOf(error)?.message
}

/** Reduces an engine's chain of wrapped errors to its last clause that still says something. */
export function shortenReason(text: string): string {
  const line = text.trim().split('\n')[0] ?? ''
  const clauses = line
    .replace(/(: unknown)+\.?$/, '')
    .replace(NOISE, '')
    .split(/: (?!\s)/)
  let reason = clauses.pop() ?? ''
  for (let clause = clauses.pop(); clause !== undefined; clause = clauses.pop()) {
    if (!OPENS_A_REASON.test(clause) && reason.length > SHORT_CLAUSE) break
    reason = `${clause}: ${reason}`
  }
  return reason.length > MAX_REASON_LENGTH ? `${reason.slice(0, MAX_REASON_LENGTH)}...` : reason
}

function replyOf(error: unknown): EngineReply | undefined {
  if (error instanceof EngineReply) return error
  return error instanceof PycdsError && error.cause instanceof EngineReply ? error.cause : undefined
}

function isConnectionError(error: unknown): boolean {
  const code = (error as NodeJS.ErrnoException | null)?.code
  return (code !== undefined && UNREACHABLE.has(code)) || /socket hang up|aborted/i.test(String(error))
}

function unreachable(address: string, cause: unknown): PycdsError {
  const code = (cause as NodeJS.ErrnoException).code
  if (code === 'EACCES' || code === 'EPERM') {
    return new PycdsError('ENGINE_UNREACHABLE', {
      message: `engine at ${address}: this user may not open the socket`,
      hint: 'Run as a member of the group "docker", or set DOCKER_HOST to an engine of your own.',
      cause,
    })
  }
  const reason =
    code === 'ECONNRESET' || code === 'EPIPE' ? 'the connection was lost' : 'nothing answers there'
  return new PycdsError('ENGINE_UNREACHABLE', {
    message: `engine at ${address}: ${reason}`,
    hint: 'Start the container engine, or set DOCKER_HOST to the address of a running one. Images in files (oci:DIR) and registries (registry:HOST/REPO) need none.',
    cause,
  })
}

function noSpace(subject: string, cause: unknown): PycdsError {
  return new PycdsError('NO_SPACE', {
    message: `${subject}: the engine has no disk space left`,
    hint: 'Free space where the engine keeps its images (docker system df shows what uses it), then run again.',
    cause,
  })
}

function noImage(subject: string, cause: unknown): PycdsError {
  return new PycdsError('IMAGE_NOT_FOUND', {
    message: `${subject}: not found in the engine`,
    hint: 'Build it or pull it first; docker images lists what the engine has.',
    cause,
  })
}

function refused(subject: string, text: string, cause: unknown): PycdsError {
  return new PycdsError('ENGINE_FAILED', {
    message: `${subject}: ${shortenReason(text) || 'the engine gave no reason'}`,
    hint: 'The container engine refused or failed; its log tells more.',
    cause,
  })
}
