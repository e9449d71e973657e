// SPDX-License-Identifier: Apache-2.0
// The record of a template that was watched while it imported: written by native/snapshot/warm/record.py, read again by the
// template that is frozen.

/** An event of an import, in its order: native/snapshot/warm/recorder.py. */
export type WarmEvent =
  | ['ask', string]
  | ['absent', string]
  | ['set', string]
  | ['seen' | 'unseen', string]
  | ['names', packages: string]
  | ['share', module: string, names: string[]]
  | ['derives', of: string, name: string]
  | ['classes', of: string, names: string]
  | ['listed', path: string, digest: string]
  | ['warned', name: string, text: string, category: string, module: string, line: number]
  | ['pool', processors: string]
  | ['uses', place: string, original: boolean]
  | ['unfilled', place: string]
  | ['sees', variable: string, put: boolean]
  | ['asks', of: string, which: 'kind' | 'status' | 'answer', question: string, answer: string]
  | ['finds', what: string, place: string, answer: string | boolean | number]
  | ['drawn', attribute: string, offset: number]
  | ['located', file: string, module: string]
  | ['keys', library: number, offset: number]
  | ['effect', what: string, place: string, size: number]

/** A reason of faults.ts, and what it is about; of `anew` a module, and why. */
export type WarmFault = [reason: string, detail: string]

/** `set`: put into sys.modules by another module; `other`: found by a finder that another module has added. */
export type WarmKind = 'builtin' | 'frozen' | 'source' | 'extension' | 'namespace' | 'other' | 'set'

export interface WarmModule {
  name: string
  kind: WarmKind
  events: WarmEvent[]
  /** What it read: variables with keyed hashes of their values, null where there was none. */
  variables: Record<string, string | null>
  files: [path: string, bytes: number, mtime: number][]
  faults: WarmFault[]
  /** Digests of what it holds, by attribute: without numbers that may be addresses, and with them. */
  values: Record<string, string>
  /** The same for attributes whose content may come in any order. */
  orderless: Record<string, string>
  /** Of what kinds that is which it has when its body has run, as `ATTRIBUTE KIND`: native/snapshot/warm/kinds.py. */
  held: string[]
  /** Attributes that are made anew in each process. */
  renewed: string[]
  /** What its body took of the processor, without what it imported. */
  milliseconds: number
}

export interface WarmRecord {
  version: 1
  /** Of the hashes of variables. */
  key: string
  /** What was imported by the template itself. */
  asked: string[]
  /** What was there before. */
  base: string[]
  modules: WarmModule[]
  /** Of what belongs to no module: what could not be imported. */
  faults: WarmFault[]
  /**
   * Modules that could not be imported a second time, as if they had never been; a text: why that is not known; null: it was
   * not tried, since some have to be left out anyhow.
   */
  anew: WarmFault[] | string | null
  /**
   * Functions and specs that an import has put in the place of another: the modules that have got hold of that one before
   * or used it, and those that have the new one or have used it, but for those that have `uses` among their events. An empty
   * name: something else than a module has it.
   */
  replaced: [by: string, place: string, haveOriginal: string[], haveFunction: string[]][]
  /** Modules that extension modules share: the first of them makes it. */
  shared: string[]
  /** Attributes of other modules that an import has changed. */
  changes: [by: string, of: string, attribute: string][]
  /** Numbers in other modules and their classes that count (native/snapshot/warm/counts.py). */
  counters: [of: string, attribute: string][]
  /** What classes and functions come to say that they are of another module, for whoever has not asked for that (fills.py). */
  early: [of: string, attribute: string, module: string][]
  /** All of these. */
  moved: [of: string, attribute: string, module: string][]
  /** Names that modules and their classes keep for themselves (native/snapshot/warm/kept.py). */
  kept: [of: string, attribute: string][]
}

/** What the file of a record has behind its name that holds `values` and `orderless` of its modules. */
export const VALUES_SUFFIX = '.values'

/** What the file of a snapshot has behind its name that tells which modules were imported otherwise than in the record. */
export const DIFFERING_SUFFIX = '.differing'

/**
 * Puts together what a template that was watched has written.
 * @throws Error  when the texts are no record
 */
export function parseRecord(text: string, valuesText: string): WarmRecord {
  const record: unknown = JSON.parse(text)
  const values: unknown = JSON.parse(valuesText)
  if (!isRecord(record) || !isValues(values)) throw new Error('not the record of a watched template')
  const modules = record.modules.map((module) => {
    const [found, orderless, held] = values[module.name] ?? [{}, {}, []]
    return { ...module, values: found, orderless, held }
  })
  return { ...record, modules }
}

type Values = Record<
  string,
  [values: Record<string, string>, orderless: Record<string, string>, held: string[]]
>

function isValues(value: unknown): value is Values {
  if (typeof value !== 'object' || value === null) return false
  return Object.values(value).every((pair) => Array.isArray(pair) && pair.length === 3)
}

function isRecord(value: unknown): value is WarmRecord {
  if (typeof value !== 'object' || value === null) return false
  const { version, asked, modules, faults, changes, replaced } = value as Partial<
    Record<keyof WarmRecord, unknown>
  >
  return version === 1 && [asked, modules, faults, changes, replaced].every(Array.isArray)
}
