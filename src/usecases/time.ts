// SPDX-License-Identifier: Apache-2.0

/** What may name the time of everything that is written. */
export interface Timed {
  /** Seconds since 1970, from SOURCE_DATE_EPOCH; default: what the verb knows of its subject. */
  sourceDateEpoch?: number
}

/** The time of everything new. */
export function timeOf({ sourceDateEpoch }: Timed, otherwise: Date): Date {
  return sourceDateEpoch === undefined ? otherwise : new Date(sourceDateEpoch * 1000)
}
