// SPDX-License-Identifier: Apache-2.0
import { type ErrorCode, EXIT_CODES } from './codes.js'

/**
 * The one error that crosses a module boundary: a code for programs, a sentence and a next step for people.
 * Neither text may carry environment values, tokens or authentication headers.
 */
export class PycdsError extends Error {
  override readonly name = 'PycdsError'
  readonly code: ErrorCode
  /** What to do next, as one sentence. */
  readonly hint: string
  /** The page of the documents that goes on there, where it is not the one of the code. */
  readonly page: string | undefined

  /**
   * @param code which of the known failures this is
   * @param o.message names the object and the reason: "image app:1: not found in the engine"
   * @param o.hint the next step
   * @param o.page where to read on, from the root of the repository; default: the page of the code, if it has one
   * @param o.cause the error below, when there is one
   */
  constructor(code: ErrorCode, o: { message: string; hint: string; page?: string; cause?: unknown }) {
    super(o.message, o.cause === undefined ? undefined : { cause: o.cause })
    this.code = code
    this.hint = o.hint
    this.page = o.page
  }

  /** The exit code of a process that ends with this error. */
  get exitCode(): number {
    return EXIT_CODES[this.code]
  }
}

/**
 * Returns `error` itself when it is a PycdsError and an INTERNAL one around anything else.
 * Nothing but a bug gets here without a code, so the hint asks for a report.
 */
export function toPycdsError(error: unknown): PycdsError {
  if (error instanceof PycdsError) return error
  return new PycdsError('INTERNAL', {
    message: 'pycds-image: stopped by an error that it does not know',
    hint: 'This is a bug: please report it with the command line. DEBUG=pycds* prints where it happened.',
    cause: error,
  })
}
