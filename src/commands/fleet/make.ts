// SPDX-License-Identifier: Apache-2.0
// One image, for one platform or several: baked, unless it is there already and nobody wants it again.
import type { BakeRequest } from '../../usecases/bake-request.js'
import type { Made, Task } from '../../usecases/fleet/index.js'
import type { UnchangedResult } from '../../usecases/unchanged.js'
import type { WorkPorts } from '../cli/base-command.js'
import {
  lacksFiles,
  type OutputFileFlags,
  writeDocuments,
  writeIndexFiles,
  writeOutputFiles,
  writeUnchangedFiles,
} from '../cli/output-files.js'
import type { Lookups } from '../cli/ports.js'

export interface MakeInput {
  request: BakeRequest
  platforms: readonly string[]
  flags: OutputFileFlags & { 'skip-unchanged': boolean }
  /** What an earlier run with the same results made of it. */
  before: Task['before']
}

type MakePorts = WorkPorts & Pick<Task, 'progress'>

/** Makes an image and the files about it. */
export async function make({ request, platforms, flags }: MakeInput, ports: MakePorts): Promise<Made> {
  const { index, ...others } = ports
  if (platforms.length < 2) {
    const { bake } = await import('../../usecases/bake.js')
    const baked = await bake(request, others)
    await writeOutputFiles(flags, baked, ports.signal)
    return baked.result
  }
  if (!index) throw new Error('a location without a store for indexes')
  const { bakePlatforms } = await import('../../usecases/bake-platforms.js')
  const { result, documents } = await bakePlatforms(request, platforms, { ...others, index })
  await writeIndexFiles(flags, result, ports.signal)
  for (const [platform, made] of documents)
    await writeDocuments(flags, made, { platform, signal: ports.signal })
  return result
}

/** Whether it has to be looked at what there is before anything is made. */
export function mayBeMade({ flags, before }: MakeInput): boolean {
  return isAsked(flags) || wasMade(before)
}

/** What is there already, if it was asked not to make it again; `as before`: as an earlier run has told. */
export async function findMade(
  { request, platforms, flags, before }: MakeInput,
  lookups: Lookups,
  signal: AbortSignal,
): Promise<UnchangedResult | 'as before' | undefined> {
  const [{ describeBake, findUnchanged }, { chooseOutput }, { carryAttachments }] = await Promise.all([
    import('../../usecases/unchanged.js'),
    import('../../usecases/output.js'),
    import('../../usecases/attachments.js'),
  ])
  const described = await describeBake(request, platforms, lookups)
  const isAsBefore =
    wasMade(before) &&
    before.key === described.key &&
    outputOf(before.result) === chooseOutput(request, described.sources[0]?.name)
  if (!isAsked(flags)) return isAsBefore ? 'as before' : undefined
  const unchanged = await findUnchanged(request, platforms, described, lookups)
  if (unchanged === undefined) return undefined
  // Somebody may have said more of the source since.
  if (request.copyReferrers) await carryAttachments(request, unchanged.output.reference, lookups.attachments)
  await writeUnchangedFiles(flags, unchanged, signal)
  return isAsBefore ? 'as before' : unchanged
}

function isAsked(flags: MakeInput['flags']): boolean {
  return flags['skip-unchanged'] && !lacksFiles(flags)
}

function outputOf(result: Made | null): string | undefined {
  return result?.output?.reference
}

/** A dry run leaves nothing that could be found again. */
function isDryRun(result: Made | null): boolean {
  return result !== null && 'output' in result && result.output === null
}

function wasMade(before: Task['before']): before is NonNullable<Task['before']> {
  return before !== undefined && before.state !== 'failed' && !isDryRun(before.result)
}
