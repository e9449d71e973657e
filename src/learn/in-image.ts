// SPDX-License-Identifier: Apache-2.0
// What the processes of a training run used, as far as the image has it. A start makes what the image lacks: what a layer
// put into its place would be in the way of that.
import type { Container } from '../ports/index.js'
import type { Training } from './run/index.js'
import type { RunLogProcess, RunLogPython } from './runlog/run-log.js'

type Files = Pick<Container, 'stat'>

/** Where interpreters are installed that are in no virtual environment. */
export const PREFIXES = ['/usr/local', '/usr'] as const

/**
 * The training with processes of which nothing is told that only the run has made: site directories, extension modules
 * and libraries. An interpreter that it has copied, as virtual environments do, is told by its name in the image.
 * @param image its files as they are before any run
 */
export async function asInImage(training: Training, image: Files): Promise<Training> {
  const has = finder(image)
  const { processes, changed, directories } = training
  const found: RunLogProcess[] = []
  for (const process of processes) {
    found.push({
      ...process,
      python: await pythonOf(process, processes, has),
      siteDirectories:
        process.siteDirectories && (await directoriesOf(process, process.siteDirectories, directories, has)),
      extensions: process.extensions.filter(({ path }) => !changed.has(path)),
      ...(process.libraries && { libraries: process.libraries.filter((path) => !changed.has(path)) }),
    })
  }
  return { ...training, processes: found }
}

/** What to say of processes that find no hook since their environment is not in the image. */
export function warnOfMadeEnvironments(training: Training, inImage: Training): string[] {
  const made = training.processes.filter(
    ({ siteDirectories, modules, noSite }, at) =>
      !noSite &&
      modules.length > 0 &&
      siteDirectories !== null &&
      siteDirectories.length > 0 &&
      inImage.processes[at]?.siteDirectories?.length === 0,
  )
  const environments = new Map(made.map(({ prefix, python }) => [prefix ?? '', python.launcher]))
  return [...environments].map(
    ([prefix, launcher]) =>
      `${launcher}: its site directory in ${prefix} is not in the image, a start makes it: no hook can be there, and ` +
      'nothing is served in it; make the environment when the image is built',
  )
}

/** Those that the image has. Where it has none and the run has made none, the hook makes the first one. */
async function directoriesOf(
  { prefix }: RunLogProcess,
  directories: readonly string[],
  there: ReadonlySet<string>,
  has: (path: string) => Promise<boolean>,
): Promise<string[]> {
  const existing: string[] = []
  for (const directory of directories) if (await has(directory)) existing.push(directory)
  if (existing.length > 0) return existing
  const [first] = directories
  return first !== undefined && !there.has(first) && prefix !== null && (await has(prefix)) ? [first] : []
}

/** The same build by a name that is in the image, where there is one. */
async function pythonOf(
  { python, prefix }: RunLogProcess,
  all: readonly RunLogProcess[],
  has: (path: string) => Promise<boolean>,
): Promise<RunLogPython> {
  const { library, executable } = python
  const named = async (one: RunLogPython) => ((await has(one.launcher)) ? one.launcher : one.executable)
  if ((await has(library)) && (await has(executable))) return { ...python, launcher: await named(python) }
  for (const { python: twin } of all) {
    if (twin.identity !== python.identity || twin.hexversion !== python.hexversion) continue
    if (!(await has(twin.library)) || !(await has(twin.executable))) continue
    return { ...python, library: twin.library, executable: twin.executable, launcher: await named(twin) }
  }
  if (!(await has(library))) return python
  const minor = python.version.split('.').slice(0, 2).join('.')
  for (const folder of [prefix, ...PREFIXES]) {
    const program = `${folder}/bin/python${minor}`
    if (folder !== null && (await has(program))) return { ...python, executable: program, launcher: program }
  }
  return python
}

/** Asks for each path once. */
function finder(image: Files): (path: string) => Promise<boolean> {
  const known = new Map<string, Promise<boolean>>()
  return (path) => {
    const answer =
      known.get(path) ??
      (path.startsWith('/') ? image.stat(path).then((found) => found !== undefined) : Promise.resolve(false))
    known.set(path, answer)
    return answer
  }
}
