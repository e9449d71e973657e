// SPDX-License-Identifier: Apache-2.0
// Runs of the image's Python that are not the application: importing modules by name, and
// reading the code of modules that a trace names.
import { encodeRecord, encodeVersion } from '../runlog/codec.js'
import { COMPILE_LIST } from '../runlog/records.js'
import { RunPaths } from './files.js'
import type { TrainingSpec } from './spec.js'

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
  /** Compiled in the place of what the image has there. */
  source?: Buffer
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

/** What a run is to compile, without running any of it. */
export interface CompileList {
  modules: readonly ModuleLocation[]
  regexes: readonly { bytes: boolean; flags: number; pattern: string }[]
  sources: readonly { mode: string; flags: number; filename: string; text: string }[]
}

/** A run that records what a list of modules and texts compiles to. */
export function compileRun(
  spec: TrainingSpec,
  script: Buffer,
  python: PythonStart,
  { modules, regexes, sources }: CompileList,
): TrainingSpec {
  const paths = new RunPaths(spec.place)
  const list = Buffer.concat([
    encodeVersion(),
    ...modules.map(({ source, ...module }, index) =>
      encodeRecord(COMPILE_LIST, 'compile_module', {
        ...module,
        source: source ? paths.file(`source-${index}`) : '',
      }),
    ),
    ...regexes.map(({ bytes, flags, pattern }) =>
      encodeRecord(COMPILE_LIST, 'compile_regex', {
        isBytes: bytes,
        flags,
        pattern: Buffer.from(pattern, bytes ? 'latin1' : 'utf8'),
      }),
    ),
    ...sources.map((source) => encodeRecord(COMPILE_LIST, 'compile_source', source)),
  ])
  const command = [...startOf(python), paths.file('compile.py'), paths.file('list')]
  const given = modules.flatMap(({ source }, index): [string, Buffer][] =>
    source ? [[`source-${index}`, source]] : [],
  )
  return { ...spec, command, files: { 'compile.py': script, list, ...Object.fromEntries(given) } }
}

function startOf({ executable, optimize }: PythonStart): string[] {
  return optimize > 0 ? [executable, `-${'O'.repeat(Math.min(optimize, 2))}`] : [executable]
}
