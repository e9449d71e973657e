// SPDX-License-Identifier: Apache-2.0
// Trains on the plain side of a stage and writes the archive, with the parts of a bake.
import { mkdirSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type ArchiveSummary, makeArchive } from '../src/artifact/archive/make.js'
import { planSnapshot, type SnapshotPlan } from '../src/artifact/snapshot/plan.js'
import { parseRunLog, type RunLogProcess } from '../src/learn/runlog/run-log.js'
import { groupByPython } from '../src/learn/select/interpreter.js'
import { selectModules } from '../src/learn/select/modules.js'
import type { Archiver } from '../src/ports/index.js'
import type { Stage, StageCommand } from './stage.js'

export interface Trained extends Omit<ArchiveSummary, 'path' | 'leftOut'> {
  /** What a snapshot of it would hold, or why there can be none. */
  readonly plan: SnapshotPlan | string
}

/**
 * Runs every command under the tracer, whether it fails or not, and bakes what all of them imported into the stage.
 * @throws an Error when nothing was traced, or a command did not end in its time
 */
export async function trainStage(
  stage: Stage,
  commands: readonly StageCommand[],
  archiver: Archiver,
): Promise<Trained> {
  const logs = join(stage.directory, 'runlogs')
  rmSync(logs, { recursive: true, force: true })
  mkdirSync(logs)
  const { tracerPath } = archiver.injected(process.arch)
  let output = ''
  for (const command of commands) {
    const env = {
      ...{ LD_PRELOAD: tracerPath, PYCDS_TRACE_DIR: logs, PYTHONHASHSEED: '1' },
      ...command.env,
    }
    const ended = await stage.run('plain', { ...command, env })
    output = ended.output
    if (ended.lateSeconds !== undefined)
      throw new Error(`training of ${stage.python.path}: not ended in ${ended.lateSeconds} s`)
  }
  const [python] = groupByPython(readRunLogs(logs))
  if (!python) throw new Error(`training of ${stage.python.path}: nothing was traced: ${output.slice(-2000)}`)
  const selection = selectModules(python, new Set())
  const { files, summary } = await makeArchive(
    {
      ...{ reference: stage.python.path, validate: 'stat', python, selection },
      image: { readFile: (path) => readFile(path) },
    },
    archiver,
  )
  const [archive] = files('')
  if (!archive) throw new Error(`training of ${stage.python.path}: no archive was written`)
  stage.bake(archive.body)
  const { bytes, modules, regexes, sources } = summary('')
  const options = { include: [], exclude: [], cpu: 'native' as const, launch: 'hook' as const }
  return {
    bytes,
    modules,
    regexes,
    sources,
    plan: planSnapshot({ python, selection, options, secrets: {}, given: {} }),
  }
}

function readRunLogs(directory: string): RunLogProcess[] {
  const names = readdirSync(directory).filter((name) => name.endsWith('.runlog'))
  return names
    .map((name) => parseRunLog(name, readFileSync(join(directory, name))))
    .filter((one) => one !== undefined)
    .sort((a, b) => b.modules.length - a.modules.length)
}
