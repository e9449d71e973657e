// SPDX-License-Identifier: Apache-2.0
// Where an interpreter runs with and without the archive: at its own place, with directories of this run over its site
// directories. Both sides have the same packages and the witness; one has the hook and the archive as a bake writes
// them, and nothing else tells them apart, not even the environment.
import { cpSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { run } from '../bench/shell.js'
import { hookFiles } from '../src/layer/hook.js'
import { type FileRun, readRun, type Side } from './outcomes.js'
import { type Python, SEARCH_PATH } from './pythons.js'
import { type Ended, runConfined } from './sandbox.js'
import { keepScratch, makeScratch, removeScratch, removeTree } from './scratch.js'

/** Where the runtime looks without a variable; -I and -E, under which variables do not count, use it as well. */
const BESIDE_RUNTIME = '_pycds.data/app.cds'
const WITNESS = 'pycds_witness.py'
/** Read behind the hook. */
const WITNESS_HOOK = '01-pycds-witness.pth'
export const WITNESS_LINE =
  'import sys, pycds_witness; pycds_witness.record(); sys.modules.pop("pycds_witness", None)'

/** One command of a stage. */
export interface StageCommand {
  /** Behind the interpreter. */
  readonly args: readonly string[]
  readonly env?: Readonly<Record<string, string>>
  /** Copied into the working directory; else that is empty. */
  readonly source?: string | undefined
  readonly limitSeconds: number
}

export interface StageOptions {
  readonly python: Python
  readonly runtime: Buffer
  /** The text of witness.py. */
  readonly witness: string
  /** A folder of installed packages, in the place of those of this machine. */
  readonly packages?: string | undefined
  /** Variables of every process. */
  readonly env?: Readonly<Record<string, string>> | undefined
  /** Ends whatever runs, see runConfined(). */
  readonly interruption?: AbortSignal | undefined
}

export class Stage {
  readonly directory: string
  readonly python: Python
  /** A file that a collector writes. */
  readonly record: string
  readonly #witnessed: string
  readonly #runtime: Buffer
  readonly #env: Readonly<Record<string, string>>
  readonly #interruption: AbortSignal | undefined

  private constructor(directory: string, { python, runtime, env = {}, interruption }: StageOptions) {
    this.directory = directory
    this.python = python
    this.#runtime = runtime
    this.#env = env
    this.#interruption = interruption
    this.record = join(directory, 'record')
    this.#witnessed = join(directory, 'witnessed')
  }

  static async open(options: StageOptions): Promise<Stage> {
    const stage = new Stage(makeScratch(), options)
    try {
      await stage.#prepare(options)
    } catch (error) {
      stage.close()
      throw error
    }
    return stage
  }

  async #prepare({ packages, witness: text }: StageOptions): Promise<void> {
    mkdirSync(join(this.directory, 'none'))
    const witness = `PLACE = ${JSON.stringify(this.#witnessed)}\n${text}`
    for (const side of ['plain', 'archive'] as const) {
      const site = this.#site(side)
      if (packages) await copyPackages(packages, site)
      else mkdirSync(site)
      if (side === 'archive') continue
      writeFileSync(join(site, WITNESS), witness)
      writeFileSync(join(site, WITNESS_HOOK), `${WITNESS_LINE}\n`)
    }
    for (const name of [WITNESS, WITNESS_HOOK]) {
      // With its times: the archive is made from the plain side.
      cpSync(join(this.#site('plain'), name), join(this.#site('archive'), name), {
        preserveTimestamps: true,
      })
    }
  }

  /** Removes everything of it, where nothing runs in it any more. */
  close(): void {
    removeScratch(this.directory)
  }

  /** Leaves it where it is, for people. */
  keep(): void {
    keepScratch(this.directory)
  }

  /** Puts hook and archive where a bake would put them. */
  bake(archive: Buffer): void {
    const site = this.#site('archive')
    for (const { path, body, mode } of hookFiles([site], this.#runtime, 'by-itself'))
      writeFileSync(path, body, { mode })
    const path = join(site, BESIDE_RUNTIME)
    mkdirSync(dirname(path), { recursive: true })
    rmSync(path, { force: true })
    writeFileSync(path, archive, { mode: 0o444 })
  }

  /** Where the archive lies, and what belongs to it: the path that processes see, and the one here. */
  get data(): { readonly inside: string; readonly here: string } {
    const folder = dirname(BESIDE_RUNTIME)
    const [site = ''] = this.python.siteDirectories
    return { inside: join(site, folder), here: join(this.#site('archive'), folder) }
  }

  /** Runs the interpreter on one side. */
  run(side: Side, command: StageCommand): Promise<Ended> {
    const inside = (name: string) => join(this.directory, name)
    for (const name of ['tmp', 'home', 'run']) removeTree(inside(name))
    for (const path of [this.record, this.#witnessed]) rmSync(path, { force: true })
    for (const name of ['tmp', 'home']) mkdirSync(inside(name))
    if (command.source === undefined) mkdirSync(inside('run'))
    else
      cpSync(command.source, inside('run'), {
        recursive: true,
        verbatimSymlinks: true,
        preserveTimestamps: true,
      })
    const [first = '', ...others] = this.python.siteDirectories
    return runConfined({
      argv: [this.python.path, ...command.args],
      cwd: inside('run'),
      env: {
        ...{ PATH: SEARCH_PATH, LANG: 'C.UTF-8', HOME: inside('home'), TMPDIR: inside('tmp') },
        ...this.#env,
        ...command.env,
      },
      covers: {
        [first]: this.#site(side),
        ...Object.fromEntries(others.map((path) => [path, inside('none')])),
      },
      output: inside('output'),
      ...{ limitSeconds: command.limitSeconds, interruption: this.#interruption },
    })
  }

  /** The same, with what the collector and the witness wrote. */
  async runTests(
    side: Side,
    command: StageCommand,
    ends: Readonly<Record<number, string>>,
  ): Promise<FileRun> {
    const ended = await this.run(side, command)
    return readRun(ended, readIfThere(this.record), readIfThere(this.#witnessed), ends)
  }

  #site(side: Side): string {
    return join(this.directory, `site-${side}`)
  }
}

/** Packages may be large: the same files, unless the temporary directory lies in another file system than they do. */
async function copyPackages(from: string, to: string): Promise<void> {
  try {
    await run('cp', ['-al', from, to])
  } catch {
    rmSync(to, { recursive: true, force: true })
    await run('cp', ['-a', from, to])
  }
}

function readIfThere(path: string): string {
  return existsSync(path) ? readFileSync(path, 'utf8') : ''
}
