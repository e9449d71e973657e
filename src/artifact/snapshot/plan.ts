// SPDX-License-Identifier: Apache-2.0
// What a snapshot of an image is to hold, as its training tells: which interpreter, started how, for which programs, with
// which modules.
import { posix } from 'node:path'
import { Redactor } from '../../learn/run/index.js'
import type { PythonGroup } from '../../learn/select/interpreter.js'
import type { ModuleSelection } from '../../learn/select/modules.js'
import type { SnapshotOptions } from './options.js'
import { type MainProgram, readWords, type Started } from './programs.js'
import { chooseWarmSet, matcher, type Traced } from './warm-set.js'

type Process = PythonGroup['processes'][number]

/** A main program, and the names of modules that it imports. */
export interface PlannedProgram extends MainProgram {
  imports: string[]
}

export interface SnapshotPlan {
  /** The interpreter as it is started, and its options. */
  python: string
  options: string[]
  /** Variables that its programs are started with, of those that an interpreter obeys. */
  environment: Record<string, string>
  /** That which imports most comes first. */
  programs: PlannedProgram[]
  /** What is imported in advance, in the order of the trace. */
  names: string[]
  /** What modules held in the training run when their bodies had run, in each of its processes: `ATTRIBUTE KIND`. */
  held: readonly Held[]
}

/** By name of a module. */
export type Held = ReadonlyMap<string, readonly string[]>

export interface PlanInput {
  python: PythonGroup
  selection: ModuleSelection
  options: SnapshotOptions
  /** Variables of the training run, whose values must be in no snapshot. */
  secrets: Readonly<Record<string, string>>
  /** Variables that the training run had from elsewhere than the image, which its starts will not have. */
  given: Readonly<Record<string, string>>
}

/** The library of an interpreter, wherever that is installed, with the packages in it. */
const LIBRARY = /^(.*?\/lib(?:64)?\/python3(?:\.\d+)?)\//
/** What a snapshot can hold: see native/snapshot/format.h. */
const MAX_PROGRAMS = 100
const MAX_TEXT = 4000

/** @returns why there can be none, as a sentence, where there can be none */
export function planSnapshot(input: PlanInput): SnapshotPlan | string {
  const started = startsOf(input)
  const [main] = started
  if (main === undefined) {
    return 'no main program was seen that a snapshot could be for: a script, -m or -c, run by python itself'
  }
  const manner = ({ process, words, environment }: Start) =>
    JSON.stringify([process.python.launcher, words.options, Object.entries(environment).sort()])
  const alike = started.filter((start) => manner(start) === manner(main))
  const names = namesOf(
    input,
    alike.map(({ process }) => process),
  )
  if (names.length === 0) {
    const but = input.options.exclude.length === 0 ? '' : ', but for what --snapshot-exclude names'
    return `its programs import no library that a snapshot could hold${but}`
  }
  return {
    python: main.process.python.launcher,
    options: main.words.options,
    environment: main.environment,
    programs: programsOf(alike, new Set(names)),
    names,
    held: alike.map(({ process }) => heldIn(process)),
  }
}

/** Of what was executed again, the first time counts, as for a program that imports it. */
function heldIn({ held }: Process): Held {
  return new Map(held.toReversed().map(({ name, kinds }) => [name, kinds]))
}

/** Patterns of names that change nothing, as sentences: a misspelt one would not show otherwise. */
export function idlePatterns({ python, options }: Pick<PlanInput, 'python' | 'options'>): string[] {
  const names = python.processes.flatMap(({ modules, extensions, earlier }) => [
    ...[...modules, ...extensions].map(({ name }) => name),
    ...earlier,
  ])
  const idle = (globs: readonly string[]) => globs.filter((glob) => !names.some(matcher([glob])))
  return [
    ...idle(options.include).map((glob) => ['--snapshot-include', glob]),
    ...idle(options.exclude).map((glob) => ['--snapshot-exclude', glob]),
  ].map(
    ([option, glob]) =>
      `${option} ${glob}: no module of the training run that a snapshot could hold has such a name; it changes nothing`,
  )
}

interface Start {
  process: Process
  words: Started & { program: MainProgram }
  environment: Record<string, string>
}

/** The processes that ran a program, those that imported most first. */
function startsOf({ python, secrets, given }: PlanInput): Start[] {
  const redactor = new Redactor(secrets)
  return python.processes
    .filter(({ noSite, python: { launcher } }) => !noSite && /^python[\d.]*$/.test(posix.basename(launcher)))
    .flatMap((process): Start[] => {
      const { options, program } = readWords(process.argv)
      const isUsable =
        program !== undefined && program.text.length <= MAX_TEXT && !redactor.finds(Buffer.from(program.text))
      const environment = environmentOf(process, { ...secrets, ...given }, redactor)
      return isUsable ? [{ process, words: { options, program }, environment }] : []
    })
    .sort((a, b) => b.process.modules.length - a.process.modules.length)
}

/** What somebody else than this tool or its user has given to a process: the image, or a program in it. */
function environmentOf(
  { variables }: Process,
  given: Readonly<Record<string, string>>,
  redactor: Redactor,
): Record<string, string> {
  const pairs = variables.map((text): [string, string] => {
    const [name = ''] = text.split('=', 1)
    return [name, text.slice(name.length + 1)]
  })
  // The tracer comes with a list of libraries.
  const isOwn = ([name, value]: [string, string]) =>
    name !== 'LD_PRELOAD' && given[name] !== value && !redactor.finds(Buffer.from(value))
  return Object.fromEntries(pairs.filter(isOwn))
}

/** Libraries of the processes that are in the image itself, source first. */
function namesOf({ selection, options }: PlanInput, processes: readonly Process[]): string[] {
  const usable = new Set(selection.modules.map(({ origin }) => origin))
  const earlier = new Set(processes.flatMap((process) => process.earlier))
  const traced: Traced[] = [
    ...processes.flatMap(({ modules }) => modules.filter(({ origin }) => usable.has(origin))),
    ...processes.flatMap(({ extensions }) => extensions.map(({ name, path }) => ({ name, origin: path }))),
  ]
  const libraries = processes.flatMap(({ siteDirectories }) => siteDirectories ?? [])
  for (const { origin } of traced) {
    const [, library] = LIBRARY.exec(origin) ?? []
    if (library !== undefined) libraries.push(library)
  }
  // A file by its path, as the archive names it, is not what an import statement asks for.
  const named = traced.filter(({ name }) => !name.includes('/') && !earlier.has(name))
  return chooseWarmSet(named, { ...options, libraries: [...new Set(libraries)] })
}

/** Each program once, with what any of its processes imports. */
function programsOf(starts: readonly Start[], names: ReadonlySet<string>): PlannedProgram[] {
  const programs = new Map<string, PlannedProgram>()
  for (const { process, words } of starts) {
    const { kind, text } = words.program
    const key = `${kind} ${text}`
    const known = programs.get(key)?.imports ?? []
    const imported = [...process.modules, ...process.extensions].map(({ name }) => name)
    programs.set(key, {
      kind,
      text,
      imports: [...new Set([...known, ...imported.filter((name) => names.has(name))])],
    })
  }
  return [...programs.values()].slice(0, MAX_PROGRAMS)
}

/** The same with nothing of what does not get into the snapshot. */
export function withNames(plan: SnapshotPlan, names: readonly string[]): SnapshotPlan {
  const kept = new Set(names)
  const programs = plan.programs.map((program) => ({
    ...program,
    imports: program.imports.filter((name) => kept.has(name)),
  }))
  return { ...plan, names: [...names], programs }
}
