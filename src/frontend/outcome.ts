// SPDX-License-Identifier: Apache-2.0
// How a trace step ended, as it wrote it down itself.
import { type ErrorCode, EXIT_CODES, PycdsError } from '../errors/index.js'
import { formatPercentage } from '../util/units.js'

/** What to do next where that is said in options of a command line, which a build does not have. */
const TRAIN_OTHERWISE =
  'As build arguments: PYCDS_COMMAND is another command, which works without a network, PYCDS_IMPORT names modules to import instead, PYCDS_ON_TRAIN_FAILURE=keep keeps what was seen; docs/frontend.md has more.'
const BUILD_HINTS: Readonly<Partial<Record<ErrorCode, string>>> = {
  TRAINING_FAILED: TRAIN_OTHERWISE,
  TRAINING_TIMEOUT: TRAIN_OTHERWISE,
}

/** How many of the imported modules are in the archive, and how many are not. */
export interface Modules {
  readonly archived: number
  readonly leftOut: number
}

export type Outcome =
  | {
      readonly kind: 'baked'
      readonly python: string
      readonly modules: Modules
      readonly warnings: readonly string[]
    }
  /** Nothing was run: the containers learn. */
  | { readonly kind: 'prepared'; readonly python: string; readonly directory: string }
  | { readonly kind: 'failed'; readonly error: PycdsError }

/** Reads the status of a step; INTERNAL when it is none. */
export function readOutcome(text: Buffer | undefined): Outcome {
  const status = parse(text)
  const { error, python, archive, warnings, directory } = status ?? {}
  if (isObject(error)) {
    const { code, message, hint } = error
    const known = isCode(code) ? code : 'INTERNAL'
    return {
      kind: 'failed',
      error: new PycdsError(known, {
        message: String(message),
        hint: BUILD_HINTS[known] ?? String(hint),
      }),
    }
  }
  if (isObject(python) && typeof python.version === 'string') {
    if (typeof directory === 'string') return { kind: 'prepared', python: python.version, directory }
    const list: unknown[] = Array.isArray(warnings) ? warnings : []
    return {
      kind: 'baked',
      python: python.version,
      modules: readModules(archive),
      warnings: list.map(String),
    }
  }
  return {
    kind: 'failed',
    error: new PycdsError('INTERNAL', {
      message: 'the trace step: it did not write how it ended',
      hint: 'This is a bug: please report it with the output of the step.',
    }),
  }
}

/** GATE_FAILED when less than so many percent of the imported modules can be served. */
export function assertArchived(outcome: Outcome & { kind: 'baked' }, percent: number | undefined): void {
  const { archived, leftOut } = outcome.modules
  const rate = (100 * archived) / Math.max(1, archived + leftOut)
  if (percent === undefined || rate >= percent) return
  throw new PycdsError('GATE_FAILED', {
    message: `PYCDS_MIN_ARCHIVED: ${formatPercentage(rate)} of ${archived + leftOut} imported modules are in the archive, ${percent} % are asked for`,
    hint: 'The output of the step names those that were left out, and why.',
  })
}

function readModules(archive: unknown): Modules {
  const { modules, leftOut } = isObject(archive) ? archive : {}
  return { archived: Number(modules ?? 0), leftOut: Array.isArray(leftOut) ? leftOut.length : 0 }
}

function parse(text: Buffer | undefined): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(text?.toString() ?? '')
    return isObject(value) ? value : undefined
  } catch {
    return undefined // reported as a step without a status
  }
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null
}

function isCode(value: unknown): value is ErrorCode {
  return typeof value === 'string' && Object.hasOwn(EXIT_CODES, value)
}
