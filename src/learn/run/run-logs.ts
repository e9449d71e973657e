// SPDX-License-Identifier: Apache-2.0
// What the tracer has left in the container of a run.
import { PycdsError } from '../../errors/index.js'
import type { Container } from '../../ports/index.js'
import { compare } from '../../util/order.js'
import { parseRunLog, type RunLogProcess } from '../runlog/run-log.js'
import { Redactor } from './redact.js'
import type { TrainingSpec } from './spec.js'
import { distinct, parseUnseen, type Unseen } from './unseen.js'

/** All that processes have told. */
export interface RunLogs {
  processes: RunLogProcess[]
  /** Executables that look like Python but are no CPython that can be traced. */
  others: string[]
  /** Executables whose interpreter reads no site directory, as that of frozen applications: no hook runs in it. */
  withoutSite: string[]
  /** Pythons that LD_PRELOAD does not reach, whether they were traced all the same or not. */
  unseen: Unseen[]
  /** Connections that no program of the run got, as a warning names them. */
  unreached: string[]
}

export async function readRunLogs(container: Container, directory: string): Promise<RunLogs> {
  const files = await container.readTree(directory)
  const processes: RunLogProcess[] = []
  const unseen: Unseen[] = []
  const others: string[] = []
  const withoutSite: string[] = []
  const unreached: string[] = []
  for (const [name, bytes] of [...files].sort(([a], [b]) => compare(a, b))) {
    if (name.endsWith('.other')) others.push(bytes.toString())
    if (name.endsWith('.nosite')) withoutSite.push(bytes.toString())
    const note = name.endsWith('.unseen') ? parseUnseen(bytes.toString()) : undefined
    if (note) unseen.push(note)
    if (name.endsWith('.unreached')) unreached.push(...describeUnreached(bytes.toString()))
    const traced = name.endsWith('.runlog') ? parseRunLog(name, bytes) : undefined
    if (traced) processes.push(traced)
  }
  processes.sort((a, b) => a.pid - b.pid)
  const once = (names: readonly string[]) => [...new Set(names)].sort()
  return {
    processes,
    others: once(others),
    withoutSite: once(withoutSite),
    unreached: once(unreached),
    unseen: distinct(unseen),
  }
}

/** Lines of a reason and an address or a name. */
function describeUnreached(text: string): string[] {
  const reasons: Readonly<Record<string, string>> = { unknown: 'no such name' }
  return text.split('\n').flatMap((line) => {
    const [, reason = '', target] = /^(refused|unreachable|unknown) (.+)$/.exec(line) ?? []
    return target === undefined ? [] : [`${target} (${reasons[reason] ?? reason})`]
  })
}

/** A text that was compiled may be made of a variable that the image does not have. */
export function withoutValues(logs: RunLogs, spec: TrainingSpec): RunLogs {
  const redactor = new Redactor(spec.surroundings?.env ?? {})
  const processes = logs.processes.map((process) => ({
    ...process,
    regexes: process.regexes.filter(
      ({ pattern }) => !redactor.finds(pattern) && !redactor.finds(withoutEscapes(pattern)),
    ),
    sources: process.sources.filter(
      ({ text, filename }) => !redactor.finds(text) && !redactor.finds(filename),
    ),
  }))
  return { ...logs, processes, unreached: logs.unreached.map((text) => redactor.text(text)) }
}

/** As it was before `re.escape`. */
function withoutEscapes(pattern: Buffer): Buffer {
  return Buffer.from(pattern.toString().replace(/\\(.)/gs, '$1'))
}

/** A module is recorded before it is counted, so fewer records than counts mean that writing failed. */
export function assertComplete(image: string, processes: readonly RunLogProcess[], counted: number): void {
  const recorded = processes.reduce(
    (sum, { modules, extensions, leftOut }) => sum + modules.length + extensions.length + leftOut.length,
    0,
  )
  if (recorded >= counted) return
  throw new PycdsError('NO_SPACE', {
    message: `image ${image}: the log of the training run is incomplete: ${recorded} of ${counted} imports were recorded`,
    hint: 'Free space where the engine keeps its containers (docker system df shows what uses it), then run again.',
  })
}
