// SPDX-License-Identifier: Apache-2.0
import type { Package } from '../packages.js'
import type { Python } from '../pythons.js'
import type { Results } from '../results.js'

/** What a part of the benchmark works with. */
export interface PartContext {
  /** What was chosen to be measured. */
  readonly options: {
    readonly packages: readonly Package[]
    readonly pythons: readonly Python[]
    /** Starts with an empty page cache; 0: none. */
    readonly coldRuns: number
    /** Another built checkout to compare with. */
    readonly other?: string | undefined
  }
  readonly results: Results
  /** A directory for it alone; everything below may be deleted. */
  readonly folder: string
  say(line: string): void
  /** Saves what was measured so far. */
  save(): Promise<void>
}

/** One of the things that the benchmark shows beside the times of packages. */
export interface Part {
  readonly name: string
  readonly title: string
  /** Measures, and puts the figures into the results. */
  run(context: PartContext): Promise<unknown>
}

/** One start of a command in a root directory, many times in turns: milliseconds of the processor and on the wall. */
export interface Cost {
  readonly wallMs: number
  readonly cpuMs: number
}
