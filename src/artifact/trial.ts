// SPDX-License-Identifier: Apache-2.0
// How the artifacts of an image are tried: what its runtime says of them, and which limits they keep.
import { archiveLimits, checkArchive } from './archive/check.js'
import type { Checked, Checks, Limits, Report, Trial } from './kind/artifact.js'
import { StartReport } from './listen.js'

/** Of an image that was not tried. */
export const NO_CHECKS: Checks = { hitRate: null }

/** Listens to one start of an image, whatever artifacts it has. */
export function listen(): Report {
  return new StartReport()
}

/**
 * Tries a new image before it gets its name.
 * @returns what was found, and the limits that were asked for, kept or not
 */
export async function check(trial: Trial, limits: Limits): Promise<Checked> {
  return await checkArchive(trial, limits, listen())
}

/** The limits that only a start can tell, as options of the command line. */
export function limitsOfStarts(limits: Limits): string[] {
  return archiveLimits(limits)
}
