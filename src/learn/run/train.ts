// SPDX-License-Identifier: Apache-2.0
// The training run: the image's own command with the tracer preloaded into every process.
import { ARTIFACT_VARIABLES, LEARN_VARIABLES } from '../../marks/marks.js'
import type { Container, Engine } from '../../ports/index.js'
import type { RunLogProcess } from '../runlog/run-log.js'
import { RunPaths } from './files.js'
import { assertComplete, type RunLogs, readRunLogs, withoutValues } from './run-logs.js'
import { containerSpec, type TrainingSpec } from './spec.js'
import { ALONE, isMounted } from './surroundings.js'
import type { Watched } from './watch.js'
import { type Probed, type ProbedOptions, watchRun } from './watch-run.js'

/** Variables of a baked image that a training run must not see. */
const RUNTIME_VARIABLES = [...ARTIFACT_VARIABLES, ...LEARN_VARIABLES, 'PYCDS_LOG']

const LISTED_CONNECTIONS = 3

export interface TrainingOptions extends ProbedOptions {
  onImports?: (count: number) => void
}

/** A training run, and what was learned in it. */
export interface Training extends Probed, RunLogs {
  /**
   * The sources of modules, extension modules and libraries that are there because of the run: made or changed by it, or
   * mounted.
   */
  changed: ReadonlySet<string>
  /** The site directories of its processes that there were when it ended. */
  directories: ReadonlySet<string>
}

/** Runs the image's command once and reads what its Python processes recorded. */
export async function train(engine: Engine, spec: TrainingSpec, options: TrainingOptions): Promise<Training> {
  const paths = new RunPaths(spec.place)
  const container = await engine.create({
    // Not only unset: the hook of an image that was baked in place needs no variable.
    ...containerSpec(spec, { PYCDS_TRACE_DIR: paths.logs, PYCDS: 'off' }),
    unsetEnv: RUNTIME_VARIABLES,
  })
  const activity = async () => {
    const count = (await container.stat(paths.activity))?.size ?? 0
    options.onImports?.(count)
    return count
  }
  try {
    const watched = await watchRun(container, spec, { ...options, activity })
    const logs = await readRunLogs(container, paths.logs)
    // Asked once more: a short run is over before anybody has looked.
    const counted = await activity()
    assertComplete(spec.image, logs.processes, counted)
    const used = [...new Set(logs.processes.flatMap(filesOf))]
    const made = await container.changed(used)
    const mounted = used.filter((path) => isMounted(path, spec.surroundings ?? ALONE))
    const kept = withoutValues(logs, spec)
    const warnings = [...watched.warnings, ...waitsFor(watched, kept.unreached)]
    return {
      ...watched,
      warnings,
      activity: counted,
      ...kept,
      changed: new Set([...made, ...mounted]),
      directories: await existing(logs.processes, container),
    }
  } finally {
    await engine.remove(container)
  }
}

/** What a process read that a run may have made. */
function filesOf({ modules, extensions, libraries = [] }: RunLogProcess): string[] {
  return [...modules.map(({ origin }) => origin), ...extensions.map(({ path }) => path), ...libraries]
}

async function existing(
  processes: readonly RunLogProcess[],
  container: Pick<Container, 'stat'>,
): Promise<ReadonlySet<string>> {
  const found = new Set<string>()
  for (const directory of new Set(processes.flatMap(({ siteDirectories }) => siteDirectories ?? [])))
    if (await container.stat(directory)) found.add(directory)
  return found
}

/** A program that is quiet because it waits for something has not started. */
function waitsFor({ by, exitCode }: Watched, unreached: readonly string[]): string[] {
  if (by !== 'quiet' || exitCode !== null || unreached.length === 0) return []
  const names = unreached.slice(0, LISTED_CONNECTIONS).join(', ')
  const more =
    unreached.length > LISTED_CONNECTIONS ? ` and ${unreached.length - LISTED_CONNECTIONS} more` : ''
  return [
    `the program was still running when the training run was ended, and did not get its connections: ${names}${more}; ` +
      'what it imports once it has them is not in the archive (--network, --add-host, --mount and --train-env give a run what it needs)',
  ]
}
