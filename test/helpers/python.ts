// SPDX-License-Identifier: Apache-2.0
// Real interpreters of this machine: discovering them, training them and starting them with an archive.
import { execFile, execFileSync } from 'node:child_process'
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { availableParallelism, homedir, tmpdir } from 'node:os'
import { join } from 'node:path'
import { createArchiver } from '../../src/archive/archiver.js'
import type { ArchiveTarget, Validate } from '../../src/bake/archiver.js'
import { parseTrace, type TracedModule, type TracedProcess } from '../../src/train/trace.js'
import { inRepository } from './repository.js'
import { architectureOf, cannotStart, findRoots, hostPath, startOf } from './start.js'

const PREBUILDS = inRepository('prebuilds/')
const DEADLINE_MS = 240_000
const PATH = '/usr/sbin:/usr/bin:/sbin:/bin'

export const archiver = createArchiver()

/** A CPython of this machine, of an unpacked root file system, or of another processor. */
export interface Python {
  path: string
  version: string
  /** Node's name of its processor. */
  architecture: string
}

interface Candidate extends Python {
  /** A release build with the GIL, of a version that has a layout. */
  supported: boolean
}

/**
 * Supported interpreters at hand that run on this processor, one per version: of the distribution, of pyenv, of
 * the root file systems, and those of PYCDS_TEST_PYTHONS (paths, joined by `:`).
 */
export function findPythons(): Python[] {
  return [...new Map(candidates().flatMap(supportedHere)).values()]
}

/** The same, but those of another processor, which an emulator runs. */
export function findEmulatedPythons(): Python[] {
  return candidates().filter(({ architecture, supported }) => supported && architecture !== process.arch)
}

/** Interpreters at hand that must be refused: debug builds and free-threaded ones. */
export function findUnsupportedPythons(): Python[] {
  return candidates().filter(({ architecture, supported }) => !supported && architecture === process.arch)
}

function supportedHere(candidate: Candidate): [string, Python][] {
  const { version, architecture, supported } = candidate
  return supported && architecture === process.arch ? [[version, candidate]] : []
}

function candidates(): Candidate[] {
  const pyenv = join(process.env.PYENV_ROOT ?? join(homedir(), '.pyenv'), 'versions')
  const versions = existsSync(pyenv) ? readdirSync(pyenv) : []
  const paths = [
    '/usr/bin/python3',
    '/usr/local/bin/python3',
    ...versions.map((name) => join(pyenv, name, 'bin/python3')),
    ...findRoots().flatMap(pythonsBelow),
    ...(process.env.PYCDS_TEST_PYTHONS ?? '').split(':').filter(Boolean),
  ]
  return paths.filter((path) => existsSync(path) && cannotStart(path) === undefined).flatMap(probe)
}

function pythonsBelow(root: string): string[] {
  const names = readdirSync(join(root, 'usr/bin')).filter((name) => /^python3\.\d+d?$/.test(name))
  return names.map((name) => join(root, 'usr/bin', name))
}

function probe(path: string): Candidate[] {
  const program = 'import sys; print(sys.version.split()[0], hasattr(sys, "gettotalrefcount"), sys.abiflags)'
  const { file, args, env } = startOf(path, ['-I', '-S', '-c', program], { PATH }, '/')
  const [version = '', debug, flags = ''] = execFileSync(file, args, { env }).toString().trim().split(' ')
  const known = archiver.supportedVersions().includes(version.split('.').slice(0, 2).join('.'))
  const architecture = architectureOf(path) ?? ''
  // A version without a layout is of no interest, be it what it may.
  return known ? [{ path, version, architecture, supported: debug === 'False' && flags === '' }] : []
}

let running = 0
const waiting: (() => void)[] = []

/** Waits until no more than two programs per processor run. */
function turn(): Promise<void> | undefined {
  if (running < 2 * availableParallelism()) {
    running += 1
    return undefined
  }
  return new Promise((resolve) => waiting.push(resolve))
}

function done(): void {
  const next = waiting.shift()
  if (next) next()
  else running -= 1
}

export interface Outcome {
  code: number | null
  stdout: string
  stderr: string
}

/** A directory with the runtime on its module path, and the interpreter that uses it. Removed with the test. */
export class Bench {
  readonly directory: string
  readonly archive: string
  readonly #python: string

  constructor(t: { teardown(undo: () => void): void }, python: string) {
    this.directory = mkdtempSync(join(tmpdir(), 'pycds-test-'))
    this.archive = join(this.directory, 'app.cds')
    this.#python = python
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
    copyFileSync(join(PREBUILDS, `linux-${architecture}`, name), join(this.directory, as))
  }

  /** Copies a file of test/fixtures, which the interpreter may not be able to see; returns its path. */
  fixture(name: string): string {
    return this.file(`fixtures/${name}`, readFileSync(inRepository(`test/fixtures/${name}`), 'utf8'))
  }

  /** Runs the interpreter without an archive. */
  async run(args: readonly string[], env: Record<string, string> = {}): Promise<Outcome> {
    // All tests of a file begin at once; a deadline should tell of one program, not of how many there are.
    await turn()
    return new Promise<Outcome>((resolve) => {
      const start = startOf(this.#python, args, { PATH, ...env }, this.directory)
      const options = { env: start.env, cwd: this.directory, timeout: DEADLINE_MS, maxBuffer: 2 ** 28 }
      execFile(start.file, start.args, options, (error, stdout, stderr) => {
        const code = error ? (typeof error.code === 'number' ? error.code : null) : 0
        resolve({ code, stdout, stderr })
      })
    }).finally(done)
  }

  /**
   * Runs a script with the archive, the runtime having been imported first as the hook would.
   * The script must not be imported by name.
   * @param instead.text  what to run in the place of the script
   * @param instead.options  further options of the interpreter
   */
  runWithArchive(
    script: string,
    env: Record<string, string> = {},
    instead: { text?: string; options?: readonly string[] } = {},
  ): Promise<Outcome> {
    const text =
      instead.text === undefined ? `open(${JSON.stringify(script)}).read()` : JSON.stringify(instead.text)
    const start =
      `import sys; sys.path.insert(0, ${JSON.stringify(join(this.directory, 'hook'))}); import _pycds; del sys.path[0];` +
      `sys.path.insert(0, ${JSON.stringify(join(script, '..'))});` +
      `exec(compile(${text}, ${JSON.stringify(script)}, 'exec'), {'__name__': '__main__'})`
    return this.run([...(instead.options ?? []), '-c', start], { PYCDS_ARCHIVE: this.archive, ...env })
  }

  /** Runs the interpreter as a training container would; the traces lie in `directory`, which is made anew. */
  runTraced(args: readonly string[], directory: string): Promise<Outcome> {
    rmSync(directory, { recursive: true, force: true })
    mkdirSync(directory)
    return this.run(args, {
      LD_PRELOAD: join(this.directory, 'pycds-tracer.so'),
      PYCDS_TRACE_DIR: directory,
    })
  }

  /** Trains a script, as a training container would, and writes the archive of what it imported. */
  async train(script: string, validate: Validate = 'stat'): Promise<TracedProcess> {
    const traces = join(this.directory, 'trace')
    const outcome = await this.runTraced([script], traces)
    const processes = readTraces(traces)
    const [main] = processes.sort((a, b) => b.modules.length - a.modules.length)
    if (!main) throw new Error(`nothing was traced: ${outcome.stderr}`)
    this.write(main, main.modules, validate)
    return main
  }

  /** What an archive for that process is made for. */
  target(process: TracedProcess, validate: Validate = 'stat'): ArchiveTarget {
    const identity = archiver.identify(readFileSync(hostPath(this.#python, process.python.library)))
    if (!identity) throw new Error(`${process.python.library} is not an ELF file`)
    return { ...process.python, identity, validate }
  }

  write(process: TracedProcess, modules: readonly TracedModule[], validate: Validate = 'stat'): void {
    const written = archiver.write(this.target(process, validate), modules, {}, process)
    if (written.leftOut.length > 0) throw new Error(JSON.stringify(written.leftOut))
    rmSync(this.archive, { force: true })
    writeFileSync(this.archive, written.bytes)
  }
}

/** The processes whose traces lie in a directory. */
export function readTraces(directory: string): TracedProcess[] {
  return readdirSync(directory)
    .filter((name) => name.endsWith('.trace'))
    .flatMap((name) => parseTrace(readFileSync(join(directory, name))) ?? [])
}
