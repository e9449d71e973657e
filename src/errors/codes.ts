// SPDX-License-Identifier: Apache-2.0

/** The closed list of what can go wrong, from the user's point of view. */
export type ErrorCode =
  | 'USAGE'
  | 'TRAINING_FAILED'
  | 'TRAINING_TIMEOUT'
  | 'BAKE_TIMEOUT'
  | 'NO_PYTHON'
  | 'PYTHON_UNSUPPORTED'
  | 'VERIFY_FAILED'
  | 'GATE_FAILED'
  | 'ENGINE_UNREACHABLE'
  | 'ENGINE_FAILED'
  | 'NO_SPACE'
  | 'REGISTRY_UNREACHABLE'
  | 'REGISTRY_REFUSED'
  | 'IMAGE_NOT_FOUND'
  | 'IMAGE_INVALID'
  | 'ARCHIVE_INVALID'
  | 'TRACE_INVALID'
  | 'INTERRUPTED'
  | 'INTERNAL'

/** The exit code of the process for each error. Scripts depend on these: they never change meaning. */
export const EXIT_CODES: Readonly<Record<ErrorCode, number>> = Object.freeze({
  USAGE: 2,
  TRAINING_FAILED: 3,
  TRAINING_TIMEOUT: 3,
  BAKE_TIMEOUT: 3,
  NO_PYTHON: 4,
  PYTHON_UNSUPPORTED: 4,
  VERIFY_FAILED: 5,
  GATE_FAILED: 5,
  ENGINE_UNREACHABLE: 6,
  ENGINE_FAILED: 6,
  NO_SPACE: 6,
  REGISTRY_UNREACHABLE: 6,
  REGISTRY_REFUSED: 6,
  IMAGE_NOT_FOUND: 7,
  IMAGE_INVALID: 7,
  ARCHIVE_INVALID: 7,
  TRACE_INVALID: 7,
  INTERNAL: 70,
  // What a shell reports for a process ended by SIGINT.
  INTERRUPTED: 130,
})

/** The page of the documents that goes on where the hint of an error ends, for those that have one. */
export const PAGES: Readonly<Partial<Record<ErrorCode, string>>> = Object.freeze({
  TRAINING_FAILED: 'docs/training.md',
  TRAINING_TIMEOUT: 'docs/training.md',
  BAKE_TIMEOUT: 'docs/fleet.md',
  NO_PYTHON: 'docs/interpreters.md',
  PYTHON_UNSUPPORTED: 'docs/interpreters.md',
  VERIFY_FAILED: 'docs/debugging.md',
  GATE_FAILED: 'docs/training.md',
  ENGINE_UNREACHABLE: 'docs/environment.md',
  REGISTRY_UNREACHABLE: 'docs/registries.md',
  REGISTRY_REFUSED: 'docs/registries.md',
  ARCHIVE_INVALID: 'docs/debugging.md',
  TRACE_INVALID: 'docs/training.md',
})
