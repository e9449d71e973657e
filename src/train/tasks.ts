// SPDX-License-Identifier: Apache-2.0
// Runs of the image's Python that are not the application: importing modules by name, and
// reading the code of modules that a trace names.
import { RunPaths } from './files.js'
import type { TrainingSpec } from './train.js'

/** A Python of the image and how it is to be started. */
export interface PythonStart {
  executable: string
  /** As in -O and -OO. */
  optimize: number
}

/** A module by where it lies. */
export interface ModuleLocation {
  name: string
  origin: string
  /** The entry of the search path that leads to it. */
  entry: string
  isPackage: boolean
}

/**
 * A run that imports modules and nothing else.
 * @param entry what the application has as the first entry of sys.path.
 */
export function importRun(
  spec: TrainingSpec,
  script: Buffer,
  python: PythonStart,
  entry: string,
  modules: readonly string[],
): TrainingSpec {
  const paths = new RunPaths(spec.place)
  const command = [...startOf(python), paths.file('import.py'), entry, ...modules]
  return { ...spec, command, files: { 'import.py': script } }
}

/** A run that records the code of modules without running them. */
export function compileRun(
  spec: TrainingSpec,
  script: Buffer,
  python: PythonStart,
  modules: readonly ModuleLocation[],
): TrainingSpec {
  const paths = new RunPaths(spec.place)
  const fields = modules.flatMap(({ name, origin, entry, isPackage }) => [
    name,
    origin,
    entry,
    isPackage ? '1' : '0',
  ])
  const list = Buffer.from(fields.map((field) => `${field}\0`).join(''))
  const command = [...startOf(python), paths.file('compile.py'), paths.file('modules')]
  return { ...spec, command, files: { 'compile.py': script, modules: list } }
}

function startOf({ executable, optimize }: PythonStart): string[] {
  return optimize > 0 ? [executable, `-${'O'.repeat(Math.min(optimize, 2))}`] : [executable]
}
