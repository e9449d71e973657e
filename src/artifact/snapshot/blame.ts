// SPDX-License-Identifier: Apache-2.0
// Which modules of a watched template cannot be frozen: those whose import did what a snapshot cannot hold, and all that
// imported them.
import type { Held } from './plan.js'
import type { WarmModule, WarmRecord } from './record.js'
import { matcher } from './warm-set.js'

/** A module that is left out, in the manifest's words. */
export interface LeftOut {
  name: string
  /** A key of faults.ts; of what it depends on, where it has none of its own. */
  reason: string
  detail: string
  /** The module whose fault it is. */
  because: string
  /** What its import took in the template, with all that it imported. */
  milliseconds: number
}

export interface Blame {
  leftOut: LeftOut[]
  /** What to import in the next template, in order. */
  names: string[]
  /** Nothing is left out, and the next template would import the same. */
  isSettled: boolean
}

export interface BlameRules {
  /** Globs of names that are not wanted, whoever imports them. */
  exclude?: readonly string[]
  /**
   * The same imports at another time, on another host, as another process: an import that has asked for one of these may
   * be frozen when what it has left is the same.
   */
  elsewhere?: WarmRecord
  /**
   * The same imports once more, where and when the first ones were: what comes in another order there does so in any two
   * starts, since a set goes by addresses, and nobody can rely on the order.
   */
  again?: readonly WarmRecord[]
  /** What modules held in the training run, in each process: a program that has changed something before shows in that. */
  trained?: readonly Held[]
  /** Modules that were imported otherwise by the template that was to be frozen, and how. */
  differing?: Differing
}

/** By name of a module. */
export type Differing = Readonly<Record<string, string>>

/** What an import may ask for, if nothing comes of it. */
const ASKED_ONLY = new Set(['TIME', 'PID', 'HOST'])
/** Extension modules could keep the answer where nobody sees it; of these it is known that they do not. */
const EXTENSIONS_KNOWN = new Set(['pandas._libs.tslibs.strptime'])
/**
 * Libraries that ask when they are loaded, by the beginning of a file's name: what they keep is compared when they are
 * used, as after a fork, or used for nothing but their own housekeeping.
 */
const LIBRARIES_KNOWN: readonly [file: string, reason: string][] = [
  ['libglog.so.', 'PID'],
  ['libGLX.so.', 'PID'],
  ['libglib-2.0.so.', 'TIME'],
  ['libnorm.so.', 'TIME'],
]
/** A line of `held`: an attribute, what it is, its class or name, and its value. */
const KIND = /^(.*?)(?: (class |function )?(\S+)(.*))?$/s
/** The digest of a directory that is not there: it gives nothing, in no order. */
const NO_DIRECTORY = ''
const LIBRARY_FILE = /\.so(\.|$)/
const EXTENSION_FILE = /\.(cpython-[^/]*|abi3)\.so$/
/** Effects on what belongs to another module, by whose name their place begins. */
const ELSEWHERE = new Set(['attribute', 'count', 'dict', 'fill', 'list', 'set', 'loggers', 'finalizers'])

/**
 * Judges a record.
 * @param wanted  names that the template was to import
 */
export function blame(record: WarmRecord, wanted: readonly string[], rules: BlameRules = {}): Blame {
  const needs = dependencies(record)
  const milliseconds = new Map(record.modules.map((module) => [module.name, module.milliseconds]))
  const costOf = (name: string) =>
    [...closureOf(name, needs)].reduce((sum, one) => sum + (milliseconds.get(one) ?? 0), 0)
  const faults = faultsOf(record, needs, rules)
  const leftOut = new Map<string, LeftOut>()
  for (const [name, [reason, detail]] of faults)
    leftOut.set(name, { name, reason, detail, because: name, milliseconds: costOf(name) })
  for (let more = true; more; ) {
    more = false
    for (const [name, needed] of needs) {
      const cause = leftOut.has(name) ? undefined : [...needed].flatMap((one) => leftOut.get(one) ?? [])[0]
      if (cause === undefined) continue
      const { reason, detail, because } = cause
      leftOut.set(name, { name, reason, detail, because, milliseconds: costOf(name) })
      more = true
    }
  }
  // What could not be imported belongs to no module, and neither does what it has imported before it failed: asked for
  // again it would bring in again what has just been left out.
  const held = new Set([...record.base, ...needs.keys()])
  const names = wanted.filter((name) => held.has(name) && !leftOut.has(name))
  return {
    leftOut: [...leftOut.values()],
    names,
    isSettled: leftOut.size === 0 && names.length === wanted.length,
  }
}

/** By module: what it needs directly. */
function dependencies({ modules }: WarmRecord): Map<string, Set<string>> {
  const needs = new Map<string, Set<string>>()
  const add = (name: string, needed: string) => needs.set(name, (needs.get(name) ?? new Set()).add(needed))
  for (const { name, events } of modules) {
    if (!needs.has(name)) needs.set(name, new Set())
    const parent = name.slice(0, Math.max(0, name.lastIndexOf('.')))
    if (parent !== '') add(name, parent)
    for (const [what, other] of events) {
      if (what === 'ask') add(name, other)
      // What was put in comes and goes with the one that did it.
      if (what === 'set') add(other, name)
    }
  }
  return needs
}

function closureOf(name: string, needs: ReadonlyMap<string, ReadonlySet<string>>): Set<string> {
  const seen = new Set<string>()
  const work = [name]
  for (let one = work.pop(); one !== undefined; one = work.pop()) {
    if (seen.has(one)) continue
    seen.add(one)
    work.push(...(needs.get(one) ?? []))
  }
  return seen
}

function faultsOf(
  record: WarmRecord,
  needs: ReadonlyMap<string, ReadonlySet<string>>,
  { exclude = [], elsewhere, again = [], trained = [], differing: frozen = {} }: BlameRules,
): Map<string, [reason: string, detail: string]> {
  const faults = new Map<string, [string, string]>()
  const add = (name: string, reason: string, detail: string) => {
    if (!faults.has(name)) faults.set(name, [reason, detail])
  }
  const isExcluded = matcher(exclude)
  const others = modulesOf(elsewhere)
  const onceMore = again.map(modulesOf)
  // Which module a class says it is of may be a matter of who has asked for it before.
  const homes = new Map(
    record.moved.map(([of, attribute, module]) => [`${module}.${attribute}`, `${of}.${attribute}`]),
  )
  for (const module of record.modules) {
    const { name } = module
    if (isExcluded(name)) add(name, 'EXCLUDED', '')
    const repeated = onceMore.flatMap((modules) => modules.get(name) ?? [])
    const differing = differences(module, others.get(name), repeated)
    for (const [reason, detail] of module.faults)
      if (!isExcused(module, reason, detail, differing)) add(name, reason, detail)
    if (differing !== undefined && differing.length > 0) add(name, 'DIFFERS', differing.join(', '))
    const otherwise = trained.flatMap((held) => otherKinds(module, held.get(name), homes))
    if (otherwise.length > 0) add(name, 'TRAINING', [...new Set(otherwise)].join(', '))
  }
  for (const [name, how] of Object.entries(frozen)) add(name, 'DIFFERS', how)
  for (const [name, why] of typeof record.anew === 'string' ? [] : (record.anew ?? [])) add(name, 'ONCE', why)
  for (const [reason, detail] of record.faults) if (reason === 'FAILED') add(detail, reason, '')
  const closures = new Map<string, Set<string>>()
  const needsAlways = (one: string, other: string) => {
    const closure = closures.get(one) ?? closureOf(one, needs)
    closures.set(one, closure)
    return closure.has(other)
  }
  const setters = new Map(
    record.modules.flatMap(({ name, events }) =>
      events.flatMap(([what, other]) => (what === 'set' ? [[other, name] as const] : [])),
    ),
  )
  const base = new Set(record.base)
  const isModule = (name: string) => base.has(name) || needs.has(name)
  // A module that is never there without the one that changes it is never seen as it was before.
  for (const [by, of, attribute] of record.changes)
    if (!needsAlways(of, by)) add(by, 'CHANGED', `${of}.${attribute}`)
  // Nobody else may have got the one or the other by when it was imported.
  for (const [by, place, haveOriginal, haveFunction] of record.replaced) {
    if (needsAlways(moduleOf(place, isModule), by)) continue
    const isFixed =
      haveOriginal.every((one) => needsAlways(by, one)) && haveFunction.every((one) => needsAlways(one, by))
    if (!isFixed) add(by, 'CHANGED', place)
  }
  for (const { name, events } of record.modules)
    for (const event of events) {
      if (event[0] !== 'effect' || !ELSEWHERE.has(event[1])) continue
      const of = moduleOf(event[2], isModule)
      // Else it is changed only where somebody else has imported it before.
      if (!base.has(of) && !needsAlways(name, of) && !needsAlways(name, setters.get(of) ?? of))
        add(name, 'CHANGED', event[2])
    }
  // Nobody knows which of them it is.
  if (faults.size === 0 && typeof record.anew === 'string')
    for (const { name, kind } of record.modules) if (kind === 'extension') add(name, 'ONCE', record.anew)
  return faults
}

/** The module of an attribute's place: the longest start of it that is one. */
function moduleOf(place: string, isModule: (name: string) => boolean): string {
  let of = place
  do of = of.slice(0, Math.max(0, of.lastIndexOf('.')))
  while (of.includes('.') && !isModule(of))
  return of
}

/** Attributes that were of another kind, or not there, in a training run; none where that has not executed the module. */
function otherKinds(
  { held, renewed }: WarmModule,
  there: readonly string[] | undefined,
  homes: ReadonlyMap<string, string>,
): string[] {
  if (there === undefined) return []
  const [kinds, others] = [kindsOf(held, homes), kindsOf(there, homes)]
  return [...new Set([...kinds.keys(), ...others.keys()])].filter((name) => {
    const [kind, other] = [kinds.get(name), others.get(name)]
    return kind !== '' && other !== '' && kind !== other && !renewed.includes(name)
  })
}

/** By attribute; an empty text is not to be compared. */
function kindsOf(held: readonly string[], homes: ReadonlyMap<string, string>): Map<string, string> {
  return new Map(
    held.map((line) => {
      const [, name = '', what = '', of = '', value = ''] = KIND.exec(line) ?? []
      return [name, `${what}${homes.get(of) ?? of}${value}`]
    }),
  )
}

function modulesOf(record: WarmRecord | undefined): Map<string, WarmModule> {
  return new Map(record?.modules.map((module) => [module.name, module]))
}

/** Whether it depends on further records (`again`) which modules are to blame. */
export function needsAgain(record: WarmRecord, elsewhere: WarmRecord, again: readonly WarmRecord[]): boolean {
  const others = modulesOf(elsewhere)
  const onceMore = again.map(modulesOf)
  return record.modules.some((here) => {
    const there = others.get(here.name)
    const repeated = onceMore.flatMap((modules) => modules.get(here.name) ?? [])
    const open = differences(here, there, repeated) ?? []
    return open.length > 0 && there !== undefined && open.every((name) => isReordered(name, here, there))
  })
}

/** Attributes that differ between two imports; undefined: it was imported once. */
function differences(
  here: WarmModule,
  there: WarmModule | undefined,
  again: readonly WarmModule[],
): string[] | undefined {
  if (there === undefined) return undefined
  const renewed = new Set(here.renewed)
  return [...new Set([...Object.keys(here.values), ...Object.keys(there.values)])].filter(
    (name) =>
      !renewed.has(name) &&
      !isSame(here.values[name], there.values[name]) &&
      !(isReordered(name, here, there) && again.some((one) => isReordered(name, here, one))),
  )
}

/** Whether an attribute holds the same in another order, of a module whose import has asked for nothing that may be the cause. */
function isReordered(name: string, here: WarmModule, there: WarmModule): boolean {
  return (
    here.faults.length === 0 &&
    !here.events.some((event) => event[0] === 'listed' && event[2] !== NO_DIRECTORY) &&
    here.orderless[name] !== undefined &&
    here.orderless[name] === there.orderless[name] &&
    !isSame(here.values[name], there.values[name])
  )
}

/** Whether one of two digests is the same: a number may happen to look like an address. */
function isSame(here: string | undefined, there: string | undefined): boolean {
  const others = there?.split(' ')
  return here === there || (here?.split(' ').some((digest, i) => digest === others?.[i]) ?? false)
}

/** The interpreter and its extension modules give their answers to Python code; a library may keep them for itself. */
const isPlainLibrary = (file: string) => LIBRARY_FILE.test(file) && !EXTENSION_FILE.test(file)

const isKnown = (file: string, reason: string) =>
  LIBRARIES_KNOWN.some(([known, of]) => of === reason && file.startsWith(known))

const isExcused = (
  { name, kind }: WarmModule,
  reason: string,
  detail: string,
  differing: string[] | undefined,
) =>
  ASKED_ONLY.has(reason) &&
  differing?.length === 0 &&
  (isKnown(detail, reason) || (kind === 'extension' ? EXTENSIONS_KNOWN.has(name) : !isPlainLibrary(detail)))
