// SPDX-License-Identifier: Apache-2.0
// Freezing an interpreter of this machine with modules that it has imported, and starting it with and without.
import { execFile } from 'node:child_process'
import { copyFileSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join, relative } from 'node:path'
import type { ExecutionContext } from 'ava'
import { blame, type Differing, type LeftOut, needsAgain } from '../../src/artifact/snapshot/blame.js'
import {
  DIFFERING_SUFFIX,
  parseRecord,
  VALUES_SUFFIX,
  type WarmRecord,
} from '../../src/artifact/snapshot/record.js'
import { archiver, type Python } from './interpreters.js'
import { readRunLogs } from './python.js'
import { inRepository } from './repository.js'
import { comparable, type Ended, SnapshotBench, type Started, type StartOptions, told } from './snapshot.js'

/** More than any set of modules takes. */
const MOST_ROUNDS = 20
const MOST_AGAIN = 8
const INSTALL_MS = 300_000
/** Of a line that differs, characters. */
const MOST_SHOWN = 300

export interface Warm {
  leftOut: LeftOut[]
  record: WarmRecord
}

export interface WarmProgram {
  kind: 'script' | 'module' | 'command'
  text: string
  imports: readonly string[]
}

export class WarmBench extends SnapshotBench {
  readonly archive: string
  readonly #list: string
  readonly #record: string
  readonly #programs: string
  readonly #base: string
  /** The secret of hash() of all templates. */
  readonly #secret: string

  /** @param packages  directories of packages that the interpreter finds behind its own */
  constructor(t: Pick<ExecutionContext, 'teardown'>, python: Python, packages: readonly string[] = []) {
    super(t, python)
    this.#base = python.path
    this.archive = join(this.directory, 'app.cds')
    this.#list = join(this.directory, 'modules.txt')
    this.#record = join(this.directory, 'record.json')
    this.#programs = join(this.directory, 'programs.json')
    this.#secret = join(this.directory, 'secret')
    for (const name of ['pycds-watch.so', 'pycds-tracer.so'])
      copyFileSync(inRepository(`prebuilds/linux-${process.arch}/${name}`), join(this.directory, name))
    if (packages.length > 0) writeFileSync(join(this.site, 'packages.pth'), `${packages.join('\n')}\n`)
  }

  /** The library that freezes. */
  get freezer(): string {
    return join(this.directory, 'pycds-freeze.so')
  }

  override environment(env: StartOptions['env'] = {}): Record<string, string> {
    return super.environment({ PYCDS_ARCHIVE: this.archive, ...env })
  }

  /** The directory of installed packages, for `file`. */
  get inSite(): string {
    return relative(this.directory, this.site)
  }

  /** Puts a package of the index and what it needs where the interpreter finds it; false: it cannot be had. */
  async install(name: string): Promise<boolean> {
    const target = join(this.directory, 'packages')
    const pip = ['-m', 'pip', '-q', '--disable-pip-version-check', 'install', '--target', target, name]
    const env = { ...process.env, PYTHONNOUSERSITE: '1' }
    const done = await new Promise<boolean>((resolve) =>
      execFile(this.#base, pip, { env, timeout: INSTALL_MS }, (error) => resolve(error === null)),
    )
    writeFileSync(join(this.site, 'packages.pth'), `${target}\n`)
    return done
  }

  /** Writes the archive of what a program imports, with these further words and variables. */
  async train(
    program = 'import json',
    words: readonly string[] = [],
    variables: StartOptions['env'] = {},
  ): Promise<void> {
    const logs = join(this.directory, 'runlog')
    rmSync(logs, { recursive: true, force: true })
    mkdirSync(logs)
    const env = {
      LD_PRELOAD: join(this.directory, 'pycds-tracer.so'),
      PYCDS_TRACE_DIR: logs,
      PYCDS: 'off',
      ...variables,
    }
    const ended = await this.startRaw(['-c', program, ...words], { env })
    const [main] = readRunLogs(logs).sort((a, b) => b.modules.length - a.modules.length)
    const identity = main && archiver.identify(readFileSync(main.python.library))
    if (!main || !identity) throw new Error(`nothing was traced: ${JSON.stringify(ended)}`)
    const target = { ...main.python, identity, validate: 'stat' as const }
    writeFileSync(this.archive, archiver.write(target, main.modules, {}, main).bytes)
  }

  /**
   * Imports the modules in a template that is watched.
   * @param which  `elsewhere`: at another time, on another host, as another process; `again`: once more, for comparison
   */
  async watch(
    names: readonly string[],
    env: StartOptions['env'] = {},
    which?: 'elsewhere' | 'again',
  ): Promise<WarmRecord> {
    writeFileSync(this.#list, `${names.join('\n')}\n`)
    const library = (name: string) => join(this.directory, name)
    const record = which ? `${this.#record}.${which}` : this.#record
    const ended = await this.tryToFreeze([], {
      LD_PRELOAD: `${library('pycds-watch.so')}:${this.freezer}`,
      PYCDS_FREEZE: record,
      PYCDS_FREEZE_WARM: this.#list,
      PYCDS_FREEZE_WATCH: which ?? '1',
      PYCDS_FREEZE_SECRET: this.#secret,
      ...env,
    })
    if (ended.code !== 0) throw new Error(JSON.stringify(ended))
    return parseRecord(readFileSync(record, 'utf8'), readFileSync(`${record}${VALUES_SUFFIX}`, 'utf8'))
  }

  /** Freezes the interpreter with those of the modules that can be frozen. */
  async freezeWarm(names: readonly string[], env: StartOptions['env'] = {}): Promise<Warm> {
    const leftOut: LeftOut[] = []
    let wanted = names
    for (let round = 0; round < MOST_ROUNDS; round++) {
      const record = await this.watch(wanted, env)
      const elsewhere = await this.watch(wanted, { PYCDS_FREEZE_SEEN: this.#record, ...env }, 'elsewhere')
      const again: WarmRecord[] = []
      while (again.length < MOST_AGAIN && needsAgain(record, elsewhere, again))
        again.push(await this.watch(wanted, env, 'again'))
      let judged = blame(record, wanted, { elsewhere, again })
      if (judged.isSettled) {
        const ended = await this.tryToFreezeWarm(env)
        if (ended.code === 0) return { leftOut, record }
        const differing = this.#differing()
        if (Object.keys(differing).length === 0) throw new Error(JSON.stringify(ended))
        judged = blame(record, wanted, { elsewhere, again, differing })
      }
      leftOut.push(...judged.leftOut)
      wanted = judged.names
    }
    throw new Error('the set of modules does not settle')
  }

  /** Which modules the last template that was to be frozen has imported otherwise than the record says. */
  #differing(): Differing {
    const path = `${this.snapshot}${DIFFERING_SUFFIX}`
    if (!existsSync(path)) return {}
    const text = readFileSync(path, 'utf8')
    rmSync(path)
    return JSON.parse(text) as Differing
  }

  /**
   * Freezes the interpreter with the modules of the record that was made last.
   * @param programs  the main programs that the snapshot is used for, with what they import; none: all of them
   */
  tryToFreezeWarm(env: StartOptions['env'] = {}, programs: readonly WarmProgram[] = []): Promise<Ended> {
    const list = programs.map(({ kind, text, imports }) => [kind, text, imports])
    writeFileSync(this.#programs, JSON.stringify(list))
    const named = programs.length > 0 ? { PYCDS_FREEZE_PROGRAMS: this.#programs } : {}
    const files = { PYCDS_FREEZE_WARM: this.#record, PYCDS_FREEZE_SECRET: this.#secret }
    return this.tryToFreeze([], { ...files, ...named, ...env })
  }

  /**
   * Starts the interpreter both ways: nothing may tell them apart. Of long outputs only what differs is shown.
   * @returns what the runtime logs of import statements: modules that were found ready, and those that were not
   */
  async assertSame(
    t: ExecutionContext,
    what: string,
    args: readonly string[],
    o: StartOptions = {},
    expected = 'thawed',
  ): Promise<{ ready: string[]; not: string[] }> {
    const plain = comparable(await this.startPlain(args, o))
    const env = { PYCDS_SNAPSHOT: this.snapshot, PYCDS_LOG: '1', ...o.env }
    const raw = await this.startRaw(args, { ...o, env })
    const thawed = comparable(told(raw))
    t.deepEqual(differences(thawed.stdout, plain.stdout), [], what)
    t.is(thawed.stderr, plain.stderr, what)
    t.deepEqual([thawed.code, thawed.signal], [plain.code, plain.signal], what)
    t.is(thawed.snapshot, expected, what)
    const named = (word: string) =>
      [...raw.stderr.matchAll(new RegExp(`^pycds\\[\\d+\\]: ${word} ([^:\\n]+)`, 'gm'))].map(
        ([, name = '']) => name,
      )
    return { ready: named('ready'), not: named('not ready') }
  }
}

/** The lines in which two texts differ; none: they are equal. */
function differences(here: string, there: string): string[] {
  const lines = [here.split('\n'), there.split('\n')] as const
  if (here === there) return []
  const sets = lines.map((all) => new Set(all)) as [Set<string>, Set<string>]
  const only = [
    ...lines[0].filter((line) => !sets[1].has(line)).map((line) => `thawed: ${line}`),
    ...lines[1].filter((line) => !sets[0].has(line)).map((line) => `plain: ${line}`),
  ]
  return only.length > 0 ? only.map((line) => line.slice(0, MOST_SHOWN)) : ['the order of lines']
}

export type { Ended, Started }
