// SPDX-License-Identifier: Apache-2.0
// Freezes the interpreter of an image that holds everything else already: watches what imports do, leaves out what cannot be
// held, and freezes the rest.

import type { Step } from '../../log/progress.js'
import { SNAPSHOT_NAME } from '../../marks/places.js'
import type { ExecResult } from '../../ports/index.js'
import { blame, type Differing, type LeftOut, needsAgain } from './blame.js'
import type { SnapshotCpu } from './options.js'
import { type PlannedProgram, type SnapshotPlan, withNames } from './plan.js'
import { DIFFERING_SUFFIX, parseRecord, VALUES_SUFFIX, type WarmRecord } from './record.js'
import { describeEnd, type Room } from './room.js'

/** More than any set of modules takes. */
const MOST_ROUNDS = 20
/** The secret of hash() that all templates have; the first draws it. */
const SECRET = 'secret'
/** So often the order of what a module holds is looked at again, at other addresses: a few may come as they came. */
const MOST_AGAIN = 8
export const WATCH_NAME = 'pycds-watch.so'
const REFUSED = /^pycds: this interpreter cannot be frozen: (.*)$/m
/** Resolves the paths of scripts as a start will: without symbolic links. */
const RESOLVE = [
  'import json, os, sys',
  'print(json.dumps([os.path.realpath(p) if os.path.exists(p) else None for p in json.loads(sys.argv[1])]))',
].join('\n')

/** Tells which of these variables a container of the image has. */
const LOOK_UP = [
  'import json, os, sys',
  'print(json.dumps({name: os.environ.get(name) for name in json.loads(sys.argv[1])}))',
].join('\n')

/** Why there is no snapshot; the bake goes on without. */
export class CannotFreeze extends Error {}

export interface FreezeInput {
  plan: SnapshotPlan
  exclude: readonly string[]
  cpu: SnapshotCpu
  /** The image's own LD_PRELOAD, which its starts have too. */
  preload: string | undefined
  /** Further programs, with all that is imported. */
  trials: readonly Omit<PlannedProgram, 'imports'>[]
  /** The library that freezes, at the path that it will have in the image: it stays mapped. */
  library: string
  timeoutMs: number
}

export interface Frozen {
  file: Buffer
  plan: SnapshotPlan
  /** Modules that are ready in it. */
  modules: string[]
  leftOut: LeftOut[]
}

/** Where interpreters are started to be watched and frozen. */
export type FreezeRoom = Pick<Room, 'path' | 'out' | 'run' | 'ask' | 'write' | 'read'>

/**
 * A plan without programs makes a snapshot that every program of the interpreter goes on in.
 * @throws CannotFreeze
 */
export async function freeze(
  room: FreezeRoom,
  input: FreezeInput,
  step: Pick<Step, 'update'>,
): Promise<Frozen> {
  const leftOut: LeftOut[] = []
  const environment = await ownVariables(room, input.plan)
  input = { ...input, plan: { ...input.plan, environment } }
  let names: readonly string[] = input.plan.names
  for (let round = 1; round <= MOST_ROUNDS; round++) {
    const modules = names.length
    const tell = (what: string) => step.update(`round ${round}: ${modules} modules, ${what}`)
    const list = `modules-${round}`
    await room.write(list, `${names.join('\n')}\n`)
    tell('their imports watched')
    const record = await watch(room, input, list, `record-${round}`, '1')
    tell('watched elsewhere in memory')
    const elsewhere = await watch(room, input, list, `elsewhere-${round}`, 'elsewhere', `record-${round}`)
    const again: WarmRecord[] = []
    while (again.length < MOST_AGAIN && needsAgain(record, elsewhere, again)) {
      tell(`watched once more (${again.length + 1} of at most ${MOST_AGAIN})`)
      again.push(await watch(room, input, list, `again-${round}-${again.length}`, 'again'))
    }
    const rules = { exclude: input.exclude, elsewhere, again, trained: input.plan.held }
    let judged = blame(record, names, rules)
    if (judged.isSettled) {
      tell('frozen')
      const plan = await withPrograms(room, withNames(input.plan, names))
      const frozen = await freezeRecord(room, { ...input, plan }, round)
      if (Buffer.isBuffer(frozen))
        return { file: frozen, plan, modules: record.modules.map(({ name }) => name), leftOut }
      judged = blame(record, names, { ...rules, differing: frozen })
    }
    leftOut.push(...judged.leftOut)
    if (judged.names.length === 0) throw new CannotFreeze(nothingLeft(leftOut))
    // The next template would do the same.
    if (judged.leftOut.length > 0 && judged.names.length === names.length)
      throw new CannotFreeze(comesAnyway(judged.leftOut))
    names = judged.names
  }
  throw new CannotFreeze('which modules can be frozen does not settle')
}

function comesAnyway([first]: readonly LeftOut[]): string {
  return `${first?.because} is imported whatever is left out (${first?.reason})`
}

function nothingLeft(leftOut: readonly LeftOut[]): string {
  const [first] = leftOut.filter(({ name, because }) => name === because)
  return `no library of its programs can be frozen${first ? `; the first is ${first.name} (${first.reason})` : ''}`
}

/**
 * Imports the modules in a template that is watched.
 * @param known  the record of the one before, for one that is watched elsewhere
 */
async function watch(
  room: FreezeRoom,
  input: FreezeInput,
  list: string,
  into: string,
  where: '1' | 'elsewhere' | 'again',
  known?: string,
): Promise<WarmRecord> {
  const variables = {
    PYCDS_FREEZE: room.out(into),
    PYCDS_FREEZE_WARM: room.out(list),
    PYCDS_FREEZE_WATCH: where,
    ...(known === undefined ? {} : { PYCDS_FREEZE_SEEN: room.out(known) }),
  }
  const what = 'the interpreter whose imports are watched'
  await template(room, input, { what, libraries: [room.path(WATCH_NAME), input.library], variables })
  const [record, values] = [await room.read(into), await room.read(`${into}${VALUES_SUFFIX}`)]
  if (!record || !values) throw new CannotFreeze('the interpreter that was watched wrote nothing')
  return parseRecord(record.toString(), values.toString())
}

/** @returns which modules were imported otherwise than in the record, where it was not made for that */
async function freezeRecord(
  room: FreezeRoom,
  input: FreezeInput,
  round: number,
): Promise<Buffer | Differing> {
  const { programs } = input.plan
  const imports = programs[0]?.imports ?? []
  const all = [...programs, ...input.trials.map((trial) => ({ ...trial, imports }))]
  const programsFile = `programs-${round}`
  const into = `${SNAPSHOT_NAME}-${round}`
  await room.write(programsFile, JSON.stringify(all.map((one) => [one.kind, one.text, one.imports])))
  const variables = {
    PYCDS_FREEZE: room.out(into),
    PYCDS_FREEZE_WARM: room.out(`record-${round}`),
    ...(all.length === 0 ? {} : { PYCDS_FREEZE_PROGRAMS: room.out(programsFile) }),
    PYCDS_FREEZE_CPU: input.cpu,
  }
  const what = 'the interpreter that is frozen'
  try {
    await template(room, input, { what, libraries: [input.library], variables })
  } catch (error) {
    if (!(error instanceof CannotFreeze)) throw error
    const differing = parseDiffering(await room.read(`${into}${DIFFERING_SUFFIX}`))
    if (Object.keys(differing).length === 0) throw error
    return differing
  }
  const file = await room.read(into)
  if (file === undefined) throw new CannotFreeze('the interpreter that was frozen wrote nothing')
  return file
}

function parseDiffering(file: Buffer | undefined): Differing {
  return file === undefined ? {} : (JSON.parse(file.toString()) as Differing)
}

/** Starts an interpreter that is watched or frozen. */
async function template(
  room: FreezeRoom,
  { plan, preload, timeoutMs }: FreezeInput,
  {
    what,
    libraries,
    variables,
  }: { what: string; libraries: readonly string[]; variables: Readonly<Record<string, string>> },
): Promise<void> {
  const own = libraries.join(':')
  const all = { ...variables, PYCDS_FREEZE_SECRET: room.out(SECRET) }
  const env = { ...plan.environment, LD_PRELOAD: preload ? `${own}:${preload}` : own, ...all }
  const result = await room.run(plan.options, env, timeoutMs)
  if (result.exitCode !== 0) throw new CannotFreeze(failureOf(result, what, timeoutMs))
}

function failureOf(result: ExecResult, what: string, timeoutMs: number): string {
  const [, reason] = REFUSED.exec(result.output) ?? []
  return reason ?? `${what} ${describeEnd(result, timeoutMs)}`
}

/** Variables that programs have from what starts them, such as a shell: without those of the image. */
async function ownVariables(
  room: FreezeRoom,
  { environment }: SnapshotPlan,
): Promise<Record<string, string>> {
  const names = Object.keys(environment)
  if (names.length === 0) return environment
  const there = JSON.parse(await room.ask(LOOK_UP, JSON.stringify(names))) as Record<string, string | null>
  return Object.fromEntries(Object.entries(environment).filter(([name, value]) => there[name] !== value))
}

/** Scripts by where they really are; those that are not there by then are no programs of the image. */
async function withPrograms(room: FreezeRoom, plan: SnapshotPlan): Promise<SnapshotPlan> {
  if (plan.programs.length === 0) return plan
  const scripts = plan.programs.filter(({ kind }) => kind === 'script').map(({ text }) => text)
  const answer = scripts.length === 0 ? '[]' : await room.ask(RESOLVE, JSON.stringify(scripts))
  const places = JSON.parse(answer) as (string | null)[]
  const placeOf = new Map(scripts.map((path, index) => [path, places[index] ?? undefined]))
  const programs = plan.programs.flatMap((program) => {
    const text = program.kind === 'script' ? placeOf.get(program.text) : program.text
    return text === undefined ? [] : [{ ...program, text }]
  })
  if (programs.length === 0) throw new CannotFreeze('none of its main programs is a file of the image')
  return { ...plan, programs }
}
