// SPDX-License-Identifier: Apache-2.0
import { inspect } from 'node:util'
import { documentPath } from '../util/document-path.js'
import { type ErrorCode, PAGES } from './codes.js'
import type { PycdsError } from './pycds-error.js'

/** The cause is shown on one line; an engine may answer with a page of HTML. */
const MAX_CAUSE_LENGTH = 300

/** What --json prints instead of a result. */
export interface ErrorDocument {
  error: { code: string; message: string; hint: string; exitCode: number }
}

/** What can be told of a failure: the error itself, or what a document says of it. */
export type Failure = Pick<PycdsError, 'message' | 'hint'> & {
  readonly code?: string
  readonly page?: string | undefined
  readonly cause?: unknown
}

/**
 * Renders a failure for people: what, why (when the cause says more than the message), what to do next and where to read
 * on.
 * The stack follows only when debugging is asked for.
 *
 * @param o.heading what the failure is to who reads it; an error by default
 */
export function renderError(error: Failure, o: { debug: boolean; heading?: string }): string {
  const why = describeCause(error)
  const lines = [`${o.heading ?? 'Error'}: ${error.message}`]
  if (why !== undefined) lines.push(`  why   ${why}`)
  lines.push(`  next  ${withPaths(error.hint)}`)
  const page = error.page ?? PAGES[error.code as ErrorCode]
  if (page !== undefined) lines.push(`  see   ${documentPath(page)}`)
  if (o.debug) lines.push('', inspect(error, { depth: 4 }))
  return `${lines.join('\n')}\n`
}

/** The same failure for programs. It holds no stack: the document is a contract. */
export function toErrorDocument(error: PycdsError): ErrorDocument {
  const { code, message, hint, exitCode } = error
  return { error: { code, message, hint, exitCode } }
}

/** Whether DEBUG names this program, as in `DEBUG=pycds*` or `DEBUG=*`. */
export function isDebugging(env: NodeJS.ProcessEnv): boolean {
  return (env.DEBUG ?? '').split(/[\s,]+/).some((pattern) => pattern === '*' || pattern.startsWith('pycds'))
}

/** Pages that a hint names, as files that can be opened. */
function withPaths(hint: string): string {
  return hint.replace(/\bdocs\/[\w/-]+\.(?:md|json)/g, (page) => documentPath(page))
}

function describeCause(error: Failure): string | undefined {
  if (error.cause === undefined) return undefined
  const text = error.cause instanceof Error ? error.cause.message : String(error.cause)
  const line = text.trim().split(/\s*\n\s*/)[0] ?? ''
  // Whoever wraps a failure may have named its object in other words.
  const reason = line.slice(line.indexOf(': ') + 1).trim()
  if (reason === '' || error.message.includes(reason)) return undefined
  return line.length > MAX_CAUSE_LENGTH ? `${line.slice(0, MAX_CAUSE_LENGTH)}...` : line
}
