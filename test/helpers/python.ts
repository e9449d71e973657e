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
import { homedir, tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { createArchiver } from '../../src/archive/archiver.js'
import type { Validate } from '../../src/bake/archiver.js'
import { parseTrace, type TracedModule, type TracedProcess } from '../../src/train/trace.js'

const PREBUILDS = fileURLToPath(new URL(`../../prebuilds/linux-${process.arch}/`, import.meta.url))
const DEADLINE_MS = 60_000

export const archiver = createArchiver()

/** Supported interpreters at hand, one per build: of the distribution, of pyenv, of PATH. */
export function findPythons(): { path: string; version: string }[] {
  const pyenv = join(process.env.PYENV_ROOT ?? join(homedir(), '.pyenv'), 'versions')
  const versions = existsSync(pyenv) ? readdirSync(pyenv) : []
  const candidates = [
    '/usr/bin/python3',
    '/usr/local/bin/python3',
    ...versions.map((name) => join(pyenv, name, 'bin/python3')),
  ]
  const found = new Map<string, string>()
  for (const path of candidates.filter((candidate) => existsSync(candidate))) {
    const program =
      'import sys; print(sys.version.split()[0], hasattr(sys, "gettotalrefcount"), sys.abiflags)'
    const [version = '', debug, flags = ''] = execFileSync(path, ['-I', '-S', '-c', program])
      .toString()
      .trim()
      .split(' ')
    const supported = archiver.supportedVersions().includes(version.split('.').slice(0, 2).join('.'))
    if (supported && debug === 'False' && flags === '') found.set(version, path)
  }
  return [...found].map(([version, path]) => ({ path, version }))
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
    copyFileSync(join(PREBUILDS, '_pycds.abi3.so'), join(this.directory, 'hook/_pycds.abi3.so'))
    t.teardown(() => rmSync(this.directory, { recursive: true, force: true }))
  }

  /** Writes a file of the bench; returns its path. */
  file(name: string, text: string): string {
    const path = join(this.directory, name)
    mkdirSync(join(path, '..'), { recursive: true })
    writeFileSync(path, text)
    return path
  }

  /** Runs the interpreter without an archive. */
  run(args: readonly string[], env: Record<string, string> = {}): Promise<Outcome> {
    return new Promise((resolve) => {
      const options = {
        env: { PATH: '/usr/bin:/bin', ...env },
        cwd: this.directory,
        timeout: DEADLINE_MS,
        maxBuffer: 2 ** 28,
      }
      execFile(this.#python, args, options, (error, stdout, stderr) => {
        const code = error ? (typeof error.code === 'number' ? error.code : null) : 0
        resolve({ code, stdout, stderr })
      })
    })
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

  /** Trains a script, as a training container would, and writes the archive of what it imported. */
  async train(script: string, validate: Validate = 'stat'): Promise<TracedProcess> {
    const traces = join(this.directory, 'trace')
    rmSync(traces, { recursive: true, force: true })
    mkdirSync(traces)
    const tracer = { LD_PRELOAD: join(PREBUILDS, 'pycds-tracer.so'), PYCDS_TRACE_DIR: traces }
    const outcome = await this.run([script], tracer)
    const processes = readTraces(traces)
    const [main] = processes.sort((a, b) => b.modules.length - a.modules.length)
    if (!main) throw new Error(`nothing was traced: ${outcome.stderr}`)
    this.write(main, main.modules, validate)
    return main
  }

  write(process: TracedProcess, modules: readonly TracedModule[], validate: Validate = 'stat'): void {
    const identity = archiver.identify(readFileSync(process.python.library))
    if (!identity) throw new Error(`${process.python.library} is not an ELF file`)
    const written = archiver.write({ ...process.python, identity, validate }, modules, {}, process)
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
