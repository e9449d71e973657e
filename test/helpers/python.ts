// SPDX-License-Identifier: Apache-2.0
// Training an interpreter of this machine, and starting it with an archive.

import { execFile } from 'node:child_process'
import {
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { availableParallelism, tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseRunLog, type RunLogProcess } from '../../src/learn/runlog/run-log.js'
import type { Archiver, ArchiveTarget, ModuleCode, Validate } from '../../src/ports/index.js'
import { archiver, PATH } from './interpreters.js'
import { assertReference, type Counts, readCounts } from './reference.js'
import { inRepository } from './repository.js'
import { architectureOf, hostPath, startOf } from './start.js'
import { Turns } from './turns.js'

const PREBUILDS = inRepository('prebuilds/')
const LAUNCH = inRepository('test/fixtures/launch.py')
/** For what hangs only: a busy machine takes many times as long as an idle one. */
const DEADLINE_MS = 600_000

/** All tests of a file begin at once; a deadline should tell of one program, not of how many there are. */
const programs = new Turns(2 * availableParallelism())

export interface Outcome {
  code: number | null
  stdout: string
  stderr: string
}

/** What runs in the place of a script. */
export interface Instead {
  text?: string
  /** Further options of the interpreter. */
  options?: readonly string[]
}

/** A program for a forked child, and what its environment holds besides. */
export interface Forked {
  text?: string
  env?: Record<string, string>
}

export interface ForkOptions {
  runtime: 'first' | 'forked' | 'never'
  env?: Record<string, string>
  options?: readonly string[]
}

export interface Ran {
  outcome: Outcome
  counts: Counts | undefined
}

/** The native parts of a build of its own. */
export interface NativeBuild {
  directory: string
  archiver: Archiver
}

/** In tracebacks: the same for each program. */
const LAUNCHER = 'launch.py'

/** What a forked child left behind. */
function readRan(directory: string): Ran {
  const read = (name: string) => readFileSync(join(directory, name), 'utf8')
  const status = Number(read('status'))
  const code = (status & 0x7f) === 0 ? status >> 8 : null
  const outcome = { code, stdout: read('stdout'), stderr: read('stderr') }
  return { outcome, counts: readCounts(join(directory, 'counts')) }
}

/** A directory with the runtime on its module path, and the interpreter that uses it. Removed with the test. */
export class Bench {
  readonly directory: string
  readonly archive: string
  readonly #python: string
  readonly #build: NativeBuild | undefined
  #launched = 0

  /** @param build  in the place of what the package has */
  constructor(t: { teardown(undo: () => void): void }, python: string, build?: NativeBuild) {
    this.directory = mkdtempSync(join(tmpdir(), 'pycds-test-'))
    this.archive = join(this.directory, 'app.cds')
    this.#python = python
    this.#build = build
    mkdirSync(join(this.directory, 'hook'))
    this.#copy('_pycds.abi3.so', 'hook/_pycds.abi3.so')
    this.#copy('pycds-tracer.so', 'pycds-tracer.so')
    t.teardown(() => rmSync(this.directory, { recursive: true, force: true }))
  }

  /** Writes a file of the bench; returns its path. */
  file(name: string, text: string): string {
    const path = join(this.directory, name)
    mkdirSync(join(path, '..'), { recursive: true })
    writeFileSync(path, text)
    return path
  }

  #copy(name: string, as: string): void {
    const architecture = architectureOf(this.#python) ?? process.arch
    const directory = this.#build?.directory ?? join(PREBUILDS, `linux-${architecture}`)
    copyFileSync(join(directory, name), join(this.directory, as))
  }

  /** Copies a file of test/fixtures, which the interpreter may not be able to see; returns its path. */
  fixture(name: string): string {
    return this.file(`fixtures/${name}`, readFileSync(inRepository(`test/fixtures/${name}`), 'utf8'))
  }

  /** Runs the interpreter without an archive. */
  run(args: readonly string[], env: Record<string, string> = {}): Promise<Outcome> {
    return programs.take(() => {
      const start = startOf(this.#python, args, { PATH, ...env }, this.directory)
      const options = { env: start.env, cwd: this.directory, timeout: DEADLINE_MS, maxBuffer: 2 ** 28 }
      return new Promise<Outcome>((resolve) => {
        execFile(start.file, start.args, options, (error, stdout, stderr) => {
          const code = error ? (typeof error.code === 'number' ? error.code : null) : 0
          resolve({ code, stdout, stderr })
        })
      })
    })
  }

  /**
   * Runs a script with the archive, the runtime having been imported first as the hook would.
   * The script must not be imported by name.
   */
  async runWithArchive(
    script: string,
    env: Record<string, string> = {},
    instead: Instead = {},
  ): Promise<Outcome> {
    return (await this.runCounted(script, env, instead)).outcome
  }

  /** The same, and what the archive answered. */
  async runCounted(
    script: string,
    env: Record<string, string> = {},
    instead: Instead = {},
  ): Promise<{ outcome: Outcome; counts: Counts | undefined }> {
    const counts = join(this.#results(), 'counts')
    const launch = this.#launch(script, { RUNTIME: 'first', PROGRAM: [script, instead.text, counts] })
    const outcome = await this.run([...(instead.options ?? []), '-c', launch], {
      PYCDS_ARCHIVE: this.archive,
      ...env,
    })
    return { outcome, counts: readCounts(counts) }
  }

  /** A reference: runs a script in the same way, but without the archive, and throws if that had a part in it. */
  async runStock(script: string, env: Record<string, string> = {}, instead: Instead = {}): Promise<Outcome> {
    const { outcome, counts } = await this.runCounted(script, { PYCDS: 'off', ...env }, instead)
    assertReference(counts)
    return outcome
  }

  /**
   * Runs programs in forked children of one interpreter that has started: each finds what it would find at a start of
   * its own, but for command line and environment of the interpreter itself, and one start does for all.
   * @param script  whose directory is in front of the search path
   * @param options.runtime  imported before the first fork, in each child, or by the programs themselves
   */
  async runForked<T extends Forked>(
    script: string,
    forked: readonly T[],
    { runtime, env = {}, options = [] }: ForkOptions,
  ): Promise<(T & Ran)[]> {
    const results = forked.map(() => this.#results())
    const list = forked.map((one, i) => [results[i], one.env ?? {}, script, one.text])
    const launch = this.#launch(script, { RUNTIME: runtime, FORKED: list })
    const parent = await this.run([...options, '-c', launch], { PYCDS_ARCHIVE: this.archive, ...env })
    if (parent.code !== 0 || parent.stdout !== '' || parent.stderr !== '')
      throw new Error(`what forks programs ended with ${JSON.stringify(parent)}`)
    return forked.map((one, i) => ({ ...one, ...readRan(results[i] ?? '') }))
  }

  /** A new directory for what one program leaves behind. */
  #results(): string {
    this.#launched += 1
    const directory = join(this.directory, `results/${this.#launched}`)
    mkdirSync(directory, { recursive: true })
    return directory
  }

  /** The text of a program that starts others; JSON is Python as well, but for null. */
  #launch(script: string, settings: Record<string, unknown>): string {
    const all = { PROGRAM: null, FORKED: [], HOOK: join(this.directory, 'hook'), ENTRY: join(script, '..') }
    const text = Object.entries({ ...all, ...settings })
      .map(([name, value]) => `${name} = ${JSON.stringify(value)}\n`)
      .join('')
    this.#launched += 1
    const path = this.file(
      `launch/${this.#launched}.py`,
      `null = None\n${text}${readFileSync(LAUNCH, 'utf8')}`,
    )
    // Not as a script: the first entry of the search path is to be that of the programs.
    return `exec(compile(open(${JSON.stringify(path)}).read(), ${JSON.stringify(LAUNCHER)}, 'exec'))`
  }

  /** Runs the interpreter as a training container would; the run logs lie in `directory`, which is made anew. */
  runTraced(args: readonly string[], directory: string, env: Record<string, string> = {}): Promise<Outcome> {
    rmSync(directory, { recursive: true, force: true })
    mkdirSync(directory)
    return this.run(args, {
      ...env,
      LD_PRELOAD: join(this.directory, 'pycds-tracer.so'),
      PYCDS_TRACE_DIR: directory,
    })
  }

  /**
   * Trains a script, as a training container would, and writes the archive of what it imported.
   * @param args  of the interpreter, in the place of the script alone
   */
  async train(
    script: string,
    validate: Validate = 'stat',
    { env = {}, args = [script] }: { env?: Record<string, string>; args?: readonly string[] } = {},
  ): Promise<RunLogProcess> {
    const traces = join(this.directory, 'runlog')
    const outcome = await this.runTraced(args, traces, env)
    const processes = readRunLogs(traces)
    const [main] = processes.sort((a, b) => b.modules.length - a.modules.length)
    if (!main) throw new Error(`nothing was traced: ${outcome.stderr}`)
    this.write(main, main.modules, validate)
    return main
  }

  /** What an archive for that process is made for. */
  target(process: RunLogProcess, validate: Validate = 'stat'): ArchiveTarget {
    const identity = archiver.identify(readFileSync(hostPath(this.#python, process.python.library)))
    if (!identity) throw new Error(`${process.python.library} is not an ELF file`)
    return { ...process.python, identity, validate }
  }

  write(process: RunLogProcess, modules: readonly ModuleCode[], validate: Validate = 'stat'): void {
    const written = (this.#build?.archiver ?? archiver).write(
      this.target(process, validate),
      modules,
      {},
      process,
    )
    if (written.leftOut.length > 0) throw new Error(JSON.stringify(written.leftOut))
    rmSync(this.archive, { force: true })
    writeFileSync(this.archive, written.bytes)
  }
}

/** The processes whose run logs lie in a directory. */
export function readRunLogs(directory: string): RunLogProcess[] {
  return readdirSync(directory)
    .filter((name) => name.endsWith('.runlog'))
    .flatMap((name) => parseRunLog(name, readFileSync(join(directory, name))) ?? [])
}
