// SPDX-License-Identifier: Apache-2.0
// Which modules of a watched template cannot be frozen: those whose import did what a snapshot cannot hold, and all that
// imported them.
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
}

/**
 * Judges a record.
 * @param wanted  names that the template was to import
 * @param exclude  globs of names that are not wanted, whoever imports them
 */
export function blame(record: WarmRecord, wanted: readonly string[], exclude: readonly string[] = []): Blame {
  const modules = new Map(record.modules.map((module) => [module.name, module]))
  const needs = dependencies(record)
  const faults = faultsOf(record, needs, exclude)
  const leftOut = new Map<string, LeftOut>()
  for (const [name, [reason, detail]] of faults)
    leftOut.set(name, { name, reason, detail, because: name, milliseconds: costOf(modules.get(name)) })
  for (let more = true; more; ) {
    more = false
    for (const [name, needed] of needs) {
      const cause = leftOut.has(name) ? undefined : [...needed].flatMap((one) => leftOut.get(one) ?? [])[0]
      if (cause === undefined) continue
      const { reason, detail, because } = cause
      leftOut.set(name, { name, reason, detail, because, milliseconds: costOf(modules.get(name)) })
      more = true
    }
  }
  return { leftOut: [...leftOut.values()], names: wanted.filter((name) => !leftOut.has(name)) }
}

const costOf = (module: WarmModule | undefined) => module?.milliseconds ?? 0

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
  exclude: readonly string[],
): Map<string, [reason: string, detail: string]> {
  const faults = new Map<string, [string, string]>()
  const add = (name: string, reason: string, detail: string) => {
    if (!faults.has(name)) faults.set(name, [reason, detail])
  }
  const isExcluded = matcher(exclude)
  for (const { name, faults: own } of record.modules) {
    if (isExcluded(name)) add(name, 'EXCLUDED', '')
    for (const [reason, detail] of own) add(name, reason, detail)
  }
  for (const [reason, detail] of record.faults) if (reason === 'FAILED') add(detail, reason, '')
  const closures = new Map<string, Set<string>>()
  for (const [by, of, attribute] of record.changes) {
    const closure = closures.get(of) ?? closureOf(of, needs)
    closures.set(of, closure)
    // A module that is never there without the one that changes it is never seen as it was before.
    if (!closure.has(by)) add(by, 'CHANGED', `${of}.${attribute}`)
  }
  return faults
}
