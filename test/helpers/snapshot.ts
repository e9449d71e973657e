// SPDX-License-Identifier: Apache-2.0
// Freezing an interpreter of this machine, and starting it with the snapshot: in a virtual environment of its own, whose
// only start-up hook is the runtime's.
import { spawn } from 'node:child_process'
import { copyFileSync, mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { dirname, join } from 'node:path'
import type { ExecutionContext } from 'ava'
import { hookFiles } from '../../src/layer/hook.js'
import { findPythons, minorOf, PATH, type Python } from './interpreters.js'
import { inRepository } from './repository.js'
import { rootOf } from './start.js'
import { temporary } from './temporary.js'
import { TIER } from './tier.js'
import { Turns } from './turns.js'

const OFF = { PYCDS_SNAPSHOT: 'off' }
/** The same as a program shows pairs of its environment, as text or as bytes, or texts of these. */
const SHOWN_OFF = /(PYCDS_SNAPSHOT'"?, "?b?')off(?=')/g
/** For what hangs only; the second for each start of many. */
const DEADLINE_MS = 300_000
const DEADLINE_OF_ONE_MS = 1_000
const OLDEST = 11
const NEWEST = 13

/** What the runtime logs, besides what a program writes. */
const LOGGED = /^pycds\[\d+\]: (.*)\n/gm
/** Differ from one start to the next. */
const ADDRESS = /0x[0-9a-f]{6,16}/g

const programs = new Turns(2 * availableParallelism())

export interface Ended {
  code: number | null
  signal: string | null
  stdout: string
  stderr: string
}

export interface Started extends Ended {
  /** 'thawed', or the reason of refusals.def; undefined: the runtime did not say. */
  snapshot: string | undefined
  /** Why the program in front of it did not go on in the snapshot at once; undefined: there was none, or it did. */
  notAtOnce?: string | undefined
}

/** How some of many starts ended: all alike. */
export interface Often extends Pick<Started, 'stdout' | 'stderr' | 'snapshot'> {
  times: number
  /** As waitpid gives it: 0 for a success. */
  status: number
}

export interface StartOptions {
  env?: Record<string, string | undefined>
  input?: string
  /** Commands of a shell that becomes the interpreter, and what stands behind its words: redirections. */
  shell?: string
  redirect?: string
  cwd?: string
  /** A program that becomes the interpreter, in front of its words. */
  through?: readonly string[]
  /** A signal that is sent to it so many milliseconds after it was started, or has said something on stderr. */
  signal?: readonly [name: NodeJS.Signals, afterMs: number, since?: 'stderr']
}

/** Interpreters at hand that can be frozen. */
export function findFreezable(): Python[] {
  if (process.arch !== 'x64') return []
  return findPythons().filter(
    (one) => minorOf(one) >= OLDEST && minorOf(one) <= NEWEST && rootOf(one.path) === '',
  )
}

/** Those of them that what holds for any is tried on: the newest alone, but in the tier all. */
export function freezableToTry(): Python[] {
  return TIER === 'all' ? findFreezable() : findFreezable().slice(-1)
}

export class SnapshotBench {
  readonly directory: string
  readonly snapshot: string
  readonly python: string
  readonly site: string
  readonly #version: string
  /** Without the runtime's hook. */
  readonly #base: string

  constructor(t: Pick<ExecutionContext, 'teardown'>, python: Python) {
    this.directory = temporary(t)
    this.#base = python.path
    this.snapshot = join(this.directory, 'app.snap')
    this.python = join(this.directory, 'bin/python3')
    this.#version = `python3.${minorOf(python)}`
    this.site = join(this.directory, 'lib', this.#version, 'site-packages')
    mkdirSync(join(this.directory, 'bin'))
    mkdirSync(this.site, { recursive: true })
    symlinkSync(python.path, this.python)
    this.file('pyvenv.cfg', `home = ${dirname(python.path)}\ninclude-system-site-packages = false\n`)
    const prebuilds = inRepository(`prebuilds/linux-${process.arch}`)
    const runtime = readFileSync(join(prebuilds, '_pycds.abi3.so'))
    for (const { path, body } of hookFiles([this.site], runtime, 'variable')) writeFileSync(path, body)
    copyFileSync(join(prebuilds, 'pycds-freeze.so'), join(this.directory, 'pycds-freeze.so'))
  }

  /** Writes a file; returns its path. */
  file(name: string, text: string | Buffer): string {
    const path = join(this.directory, name)
    mkdirSync(dirname(path), { recursive: true })
    writeFileSync(path, text)
    return path
  }

  /** Makes the interpreter's program a file of its own, which may be changed. */
  ownProgram(python: Python): void {
    rmSync(this.python)
    copyFileSync(python.path, this.python)
  }

  /** What every start has in its environment. */
  environment(env: StartOptions['env'] = {}): Record<string, string> {
    const all = { PATH, LANG: 'C.UTF-8', PYCDS_ARCHIVE: join(this.directory, 'none.cds'), ...env }
    return Object.fromEntries(Object.entries(all).flatMap(([k, v]) => (v === undefined ? [] : [[k, v]])))
  }

  /** Freezes the interpreter as it is after its start with these options. */
  tryToFreeze(options: readonly string[] = [], env: StartOptions['env'] = {}): Promise<Ended> {
    const preload = { LD_PRELOAD: join(this.directory, 'pycds-freeze.so'), PYCDS_FREEZE: this.snapshot }
    return this.#run([this.python, ...options], { env: { ...preload, ...env } })
  }

  async freeze(options: readonly string[] = [], env: StartOptions['env'] = {}): Promise<void> {
    const ended = await this.tryToFreeze(options, env)
    if (ended.code !== 0) throw new Error(JSON.stringify(ended))
  }

  /** Starts the interpreter; what it writes is left as it is. */
  startRaw(args: readonly string[], o: StartOptions = {}): Promise<Ended> {
    return this.#run([this.python, ...args], o)
  }

  /** Starts the interpreter with the snapshot. */
  async start(args: readonly string[], o: StartOptions = {}): Promise<Started> {
    const env = { PYCDS_SNAPSHOT: this.snapshot, PYCDS_LOG: '1', ...o.env }
    return told(await this.#run([this.python, ...args], { ...o, env }))
  }

  /** Starts any words with the snapshot. */
  async startWords(words: readonly string[], o: StartOptions = {}): Promise<Started> {
    const env = { PYCDS_SNAPSHOT: this.snapshot, PYCDS_LOG: '1', ...o.env }
    return told(await this.#run(words, { ...o, env }))
  }

  /**
   * Starts the interpreter many times with the snapshot.
   * @returns each way in which it ended, and how often
   */
  async startOften(count: number, args: readonly string[], o: StartOptions = {}): Promise<Often[]> {
    const env = { PYCDS_SNAPSHOT: this.snapshot, PYCDS_LOG: '1', ...o.env }
    const starter = [this.#base, inRepository('test/fixtures/snapshot/starts.py'), `${count}`]
    const deadlineMs = DEADLINE_MS + count * DEADLINE_OF_ONE_MS
    const ended = await this.#run([...starter, this.python, ...args], { ...o, env }, deadlineMs)
    if (ended.code !== 0 || ended.stderr !== '') throw new Error(JSON.stringify(ended))
    return ended.stdout
      .trimEnd()
      .split('\n')
      .map((line) => {
        const [times, status, stdout, stderr] = JSON.parse(line)
        return { times, status, ...told({ stdout, stderr }) }
      })
  }

  /** The same without it. */
  async startPlain(args: readonly string[], o: StartOptions = {}): Promise<Started> {
    const name = o.env?.PYCDS_SNAPSHOT ?? this.snapshot
    // In the same order as above.
    const env = Object.assign({ PYCDS_SNAPSHOT: name, PYCDS_LOG: '1' }, o.env, OFF)
    const ended = await this.#run([this.python, ...args], { ...o, env })
    // A program that looks at its environment finds another value there.
    return told(asIfNamed(ended, name))
  }

  /**
   * Starts the interpreter both ways: but for the clock nothing may tell them apart.
   * @param expected  how the start with the snapshot goes; null: nobody hears of it
   */
  async compare(
    t: ExecutionContext,
    what: string,
    args: readonly string[],
    o: StartOptions = {},
    expected: string | null = 'thawed',
  ): Promise<Started> {
    const { snapshot: _, ...plain } = await this.startPlain(args, o)
    const { snapshot, ...thawed } = await this.start(args, o)
    t.deepEqual(comparable(thawed), comparable(plain), what)
    t.is(snapshot ?? null, expected, what)
    return { snapshot, ...thawed }
  }

  #run(words: readonly string[], o: StartOptions, deadlineMs = DEADLINE_MS): Promise<Ended> {
    const shell =
      o.shell !== undefined || o.redirect !== undefined
        ? ['/bin/sh', '-c', `${o.shell ?? ':'}; exec "$0" "$@" ${o.redirect ?? ''}`]
        : []
    const [file = '', ...args] = [...shell, ...(o.through ?? []), ...words]
    return programs.take(
      () =>
        new Promise((resolve, reject) => {
          const child = spawn(file, args, {
            env: this.environment(o.env),
            cwd: o.cwd ?? this.directory,
            timeout: deadlineMs,
            killSignal: 'SIGKILL',
          })
          const stdout: Buffer[] = []
          const stderr: Buffer[] = []
          child.stdout.on('data', (chunk) => stdout.push(chunk))
          child.stderr.on('data', (chunk) => stderr.push(chunk))
          child.stdin.on('error', () => {}) // it did not want to read
          child.stdin.end(o.input ?? '')
          child.on('error', reject)
          const [signal, afterMs, since] = o.signal ?? []
          let timer: NodeJS.Timeout | undefined
          const arm = () => {
            if (signal !== undefined) timer ??= setTimeout(() => child.kill(signal), afterMs)
          }
          if (since === undefined) arm()
          else child[since].once('data', arm)
          child.on('close', (code, endedBy) => {
            clearTimeout(timer)
            resolve({
              code,
              signal: endedBy,
              stdout: Buffer.concat(stdout).toString('utf8'),
              stderr: Buffer.concat(stderr).toString('utf8'),
            })
          })
        }),
    )
  }
}

/** Takes the runtime's own lines out, and says what they tell of the snapshot. */
export function told<T extends Pick<Ended, 'stderr'>>(ended: T): T & Pick<Started, 'snapshot' | 'notAtOnce'> {
  const lines = [...ended.stderr.matchAll(LOGGED)].map(([, line = '']) => line)
  const snapshot = lines.flatMap((line) => /^snapshot (\w+)/.exec(line)?.[1] ?? [])[0]
  const [notAtOnce] = lines.flatMap((line) => /^not at once: (\w+)/.exec(line)?.[1] ?? [])
  const others = notAtOnce === undefined ? {} : { notAtOnce }
  return { ...ended, stderr: ended.stderr.replace(LOGGED, ''), snapshot, ...others }
}

/** The same program's outputs, without what differs from one start to the next. */
export function comparable<T extends Pick<Ended, 'stdout' | 'stderr'>>(ended: T): T {
  const plain = (text: string) => text.replace(ADDRESS, '0x...')
  return { ...ended, stdout: plain(ended.stdout), stderr: plain(ended.stderr) }
}

/** What a program writes that was started without a snapshot, as if its environment had named one. */
export function asIfNamed<T extends Pick<Ended, 'stdout' | 'stderr'>>(ended: T, snapshot: string): T {
  const named = (text: string) => text.replace(SHOWN_OFF, (_, before) => `${before}${snapshot}`)
  return { ...ended, stdout: named(ended.stdout), stderr: named(ended.stderr) }
}
