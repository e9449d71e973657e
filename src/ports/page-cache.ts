// SPDX-License-Identifier: Apache-2.0
import type { EngineDescription } from './engine.js'

/** The page cache of the machine that runs the containers. */
export interface PageCache {
  /** Why that of an engine cannot be emptied; undefined when it can. */
  refusal(engine: EngineDescription): Promise<string | undefined>
  drop(): Promise<void>
}
