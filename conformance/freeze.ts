// SPDX-License-Identifier: Apache-2.0
// Freezes the interpreter of a stage with the libraries of its training, with the parts of a bake. Every program goes on in
// the snapshot, so that the children of tests do, too.
import { appendFileSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type FreezeRoom, type Frozen, freeze, WATCH_NAME } from '../src/artifact/snapshot/freeze.js'
import type { SnapshotPlan } from '../src/artifact/snapshot/plan.js'
import type { Archiver } from '../src/ports/index.js'
import { type Stage, WITNESS_LINE } from './stage.js'

const SNAPSHOT_NAME = 'app.snap'
const LIBRARY_NAME = 'pycds-freeze.so'
const LIMIT_MS = 600_000
/** As a bake asks an interpreter: neither site nor the environment takes part. */
const ALONE = ['-I', '-S', '-B']

/**
 * Puts a snapshot beside the archive of the stage.
 * @param plan  what it is to hold, or why there can be none
 * @param say  is told of each round
 * @throws an Error when there is none
 */
export async function freezeStage(
  stage: Stage,
  plan: SnapshotPlan | string,
  archiver: Archiver,
  say: (line: string) => void,
): Promise<Pick<Frozen, 'modules' | 'leftOut'>> {
  const injected = archiver.freezer(process.arch)
  if (typeof plan === 'string' || injected === undefined)
    throw new Error(`${stage.python.path} cannot be frozen: ${plan}`)
  const room = new StageRoom(stage)
  const { inside, here } = stage.data
  writeFileSync(room.path(WATCH_NAME), injected.watch)
  writeFileSync(join(here, LIBRARY_NAME), injected.freeze)
  const { file, modules, leftOut } = await freeze(
    room,
    {
      ...{
        plan: { ...plan, names: plan.names.filter(isOfLibrary), environment: {}, programs: [] },
        exclude: [],
        cpu: 'native',
        preload: undefined,
        trials: [],
      },
      ...{ library: join(inside, LIBRARY_NAME), timeoutMs: LIMIT_MS },
    },
    { update: say },
  )
  writeFileSync(join(here, SNAPSHOT_NAME), file, { mode: 0o444 })
  return { modules, leftOut }
}

/** Tests stand for an application, and some take the library apart as they are imported. */
function isOfLibrary(name: string): boolean {
  return name !== 'test' && !name.startsWith('test.')
}

/** A directory of the stage, in the place of one in a container. */
class StageRoom implements FreezeRoom {
  readonly #stage: Stage
  readonly #directory: string

  constructor(stage: Stage) {
    this.#stage = stage
    this.#directory = join(stage.directory, 'freeze')
    rmSync(this.#directory, { recursive: true, force: true })
    mkdirSync(this.#directory)
  }

  path(name: string): string {
    return join(this.#directory, name)
  }

  out(name: string): string {
    return this.path(name)
  }

  async run(words: readonly string[], env: Readonly<Record<string, string>>, timeoutMs: number) {
    const ended = await this.#stage.run('archive', {
      ...{ args: words, env: { PYCDS_FREEZE_KNOWN: WITNESS_LINE, ...env } },
      limitSeconds: timeoutMs / 1000,
    })
    return { exitCode: ended.code ?? 1, output: ended.output }
  }

  async ask(program: string, ...words: string[]): Promise<string> {
    const { exitCode, output } = await this.run([...ALONE, '-c', program, ...words], {}, LIMIT_MS)
    if (exitCode !== 0) throw new Error(`${this.#stage.python.path}: ${output}`)
    return output
  }

  async write(name: string, text: string): Promise<void> {
    appendFileSync(this.path(name), text)
  }

  async read(name: string): Promise<Buffer | undefined> {
    return existsSync(this.path(name)) ? readFileSync(this.path(name)) : undefined
  }
}
