// SPDX-License-Identifier: Apache-2.0

/** The page cache of the machine that runs the containers. */
export interface PageCache {
  /**
   * Why it cannot be emptied; undefined when it can.
   * @param endpoint address of the engine
   */
  refusal(endpoint: string): Promise<string | undefined>
  drop(): Promise<void>
}
