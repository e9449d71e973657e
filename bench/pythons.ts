// SPDX-License-Identifier: Apache-2.0
import type { Package } from './packages.js'

/** An interpreter to measure on, with the images that have it. */
export interface Python {
  readonly id: string
  readonly title: string
  readonly minor: number
  readonly executable: string
  /** A site directory of it, for tools that are installed for a contestant. */
  readonly site: string
  /** Images by group of packages; each also exists with `-nopyc` behind its name. */
  readonly images: Readonly<Record<Package['image'], string>>
  /** For one comparison: only these contestants, warm, and none of the other parts of the benchmark. */
  readonly only?: readonly string[]
}

export const PYTHONS: readonly Python[] = [
  {
    id: '3.11',
    title: 'CPython 3.11, static interpreter (Debian 12)',
    minor: 11,
    executable: '/usr/bin/python3',
    site: '/usr/local/lib/python3.11/dist-packages',
    images: { web: 'bench-bookworm', native: 'bench-bookworm-native' },
  },
  {
    id: '3.13',
    title: 'CPython 3.13, shared libpython',
    minor: 13,
    executable: '/usr/local/bin/python3',
    site: '/usr/local/lib/python3.13/site-packages',
    images: { web: 'bench-shared', native: 'bench-shared-native' },
  },
  {
    id: '3.15',
    title: 'CPython 3.15 with lazy imports (Debian unstable)',
    minor: 15,
    executable: '/usr/bin/python3.15',
    site: '/usr/local/lib/python3.15/dist-packages',
    images: { web: 'bench-sid', native: 'bench-sid' },
    only: ['plain', 'lazy', 'pycds'],
  },
]

/** Those on which everything is measured. */
export function measuredInFull(pythons: readonly Python[]): Python[] {
  return pythons.filter((one) => one.only === undefined)
}
