// SPDX-License-Identifier: Apache-2.0

/** What a bake of a common application, and the run of it, may take at its highest; of this process far less. */
const BAKE_BYTES = 512 * 1024 * 1024

/** How many bakes there is memory for now: on this machine, or in the control group that this process is limited by. */
export function bakesThatFit(): number {
  return Math.floor(process.availableMemory() / BAKE_BYTES)
}
