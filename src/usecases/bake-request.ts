// SPDX-License-Identifier: Apache-2.0
import type { Pyc } from '../artifact/bytecode/index.js'
import type { MoreOptions } from '../artifact/complete.js'
import type { Limits } from '../artifact/kind/artifact.js'
import type { DocumentKind } from '../attest/index.js'
import type { LearnRequest } from '../learn/learn.js'
import type { Surroundings } from '../learn/run/index.js'
import type { Gates } from '../measure/gates.js'
import type { Validate } from '../ports/index.js'
import type { OutputRequest } from './output.js'
import type { Timed } from './time.js'

/** What a bake is asked for. */
export interface BakeRequest extends LearnRequest, OutputRequest, MoreOptions, Timed {
  /** For runs of the image only; they reach nothing that is written. */
  surroundings: Surroundings
  validate: Validate
  /** For which packages missing bytecode files are added. */
  pyc: Pyc
  /** Timed starts of each image; 0 for none. */
  measureRuns: number
  dryRun: boolean
  /** Leave the new image without a name; the caller removes it. */
  untagged?: boolean
  gates: Gates & Limits
  /** What is to be written about the new image, and attached to it where its store has a place for that. */
  documents?: readonly DocumentKind[]
  /** Copy to the new image what a registry has about the source and stays true. */
  copyReferrers?: boolean
}
