// SPDX-License-Identifier: Apache-2.0
// One image, for one platform or several: baked, unless it is there already and nobody wants it again.
import type { BakeRequest } from '../../usecases/bake.js'
import type { Made, Task } from '../../usecases/fleet/index.js'
import type { UnchangedResult } from '../../usecases/unchanged.js'
import type { Surroundings } from '../cli/base-command.js'
import {
  lacksFiles,
  type OutputFileFlags,
  writeDocuments,
  writeIndexFiles,
  writeOutputFiles,
  writeUnchangedFiles,
} from '../cli/output-files.js'

export interface MakeInput {
  request: BakeRequest
  platforms: readonly string[]
  flags: OutputFileFlags & { 'skip-unchanged': boolean }
  /** What an earlier run with the same results made of it. */
  before: Task['before']
}

type MakePorts = Surroundings & Pick<Task, 'progress'>

/** Makes an image and the files about it; undefined when it is as `before` tells. */
export async function make(input: MakeInput, ports: MakePorts): Promise<Made | undefined> {
  const { request, platforms, flags } = input
  const { index, ...others } = ports
  const skipped = await skip(input, ports)
  if (skipped !== undefined) return skipped === 'as before' ? undefined : skipped
  if (platforms.length < 2) {
    const { bake } = await import('../../usecases/bake.js')
    const baked = await bake(request, others)
    writeOutputFiles(flags, baked)
    return baked.result
  }
  if (!index) throw new Error('a location without a store for indexes')
  const { bakePlatforms } = await import('../../usecases/bake-platforms.js')
  const { result, documents } = await bakePlatforms(request, platforms, { ...others, index })
  writeIndexFiles(flags, result)
  for (const [platform, made] of documents) writeDocuments(flags, made, platform)
  return result
}

/** What is there already, if it was asked not to make it again. */
async function skip(
  { request, platforms, flags, before }: MakeInput,
  ports: MakePorts,
): Promise<UnchangedResult | 'as before' | undefined> {
  const isAsked = flags['skip-unchanged'] && !lacksFiles(flags)
  const wasMade = before !== undefined && before.state !== 'failed'
  if (!isAsked && !wasMade) return undefined
  const { describeBake, findUnchanged } = await import('../../usecases/unchanged.js')
  const described = await describeBake(request, platforms, ports)
  const isAsBefore = wasMade && before.key === described.key
  if (!isAsked) return isAsBefore ? 'as before' : undefined
  const outputs = await ports.outputs()
  const unchanged = await findUnchanged(request, platforms, described, { ...ports, outputs })
  if (unchanged === undefined) return undefined
  writeUnchangedFiles(flags, unchanged)
  return isAsBefore ? 'as before' : unchanged
}
