// SPDX-License-Identifier: Apache-2.0

/** Orders values by one of their texts, by code units: the same on every machine, whatever its language. */
export function by<K extends string>(key: K): (a: Record<K, string>, b: Record<K, string>) => number {
  return (a, b) => compare(a[key], b[key])
}

/** Orders texts by code units. */
export function compare(a: string, b: string): number {
  if (a === b) return 0
  return a < b ? -1 : 1
}
