// SPDX-License-Identifier: Apache-2.0
// Traces as values: what a training run gives, several as one, two compared.
import { PycdsError } from '../../errors/index.js'
import { by } from '../../util/order.js'
import { selectCaches } from '../select/caches.js'
import { selectFiles } from '../select/files.js'
import type { PythonGroup } from '../select/interpreter.js'
import type { ModuleSelection } from '../select/modules.js'
import { TRACE_SCHEMA, type Trace, type TraceModule } from './trace-file.js'

/** What a bake learned about an image, without its code. */
export function toTrace(
  image: { id: string; platform: string },
  group: PythonGroup,
  { modules, leftOut }: ModuleSelection,
): Trace {
  const { python, processes } = group
  const caches = selectCaches(group)
  const directories = new Set(processes.flatMap((process) => process.siteDirectories?.[0] ?? []))
  return {
    schema: TRACE_SCHEMA,
    images: [image],
    python: {
      version: python.version,
      cacheTag: python.cacheTag,
      executable: python.launcher,
      ...(group.isPlugin ? { library: python.library } : {}),
      optimize: python.optimize,
    },
    siteDirectories: [...directories].sort(),
    modules: modules.map(({ name, origin, entry, isPackage, sourceHash }) => ({
      name,
      origin,
      entry,
      package: isPackage,
      sourceHash: sourceHash.toString('hex'),
    })),
    regexes: caches.regexes.map(({ isBytes, asked, pattern }) => ({
      bytes: isBytes,
      flags: asked,
      pattern: pattern.toString(isBytes ? 'latin1' : 'utf8'),
    })),
    sources: caches.sources.map(({ mode, flags, filename, text }) => ({
      mode,
      flags,
      filename: filename.toString(),
      text: text.toString(),
    })),
    files: selectFiles(group),
    leftOut,
  }
}

/**
 * Unites traces in the given order; what several name is taken from the first.
 * @throws TRACE_INVALID when they are of different Pythons.
 */
export function mergeTraces(traces: readonly { name: string; trace: Trace }[]): Trace {
  const [first, ...others] = traces
  if (!first) throw new Error('nothing to merge')
  for (const { name, trace } of others) assertSamePython(first, name, trace)
  const all = traces.map(({ trace }) => trace)
  const modules = uniteBy(
    (module) => module.name,
    all.flatMap((trace) => trace.modules),
  )
  const names = new Set(modules.map(({ name }) => name))
  return {
    ...first.trace,
    images: uniteBy(
      ({ id }) => id,
      all.flatMap((trace) => trace.images),
    ),
    siteDirectories: [...new Set(all.flatMap((trace) => trace.siteDirectories))].sort(),
    modules,
    regexes: uniteBy(
      (regex) => JSON.stringify(regex),
      all.flatMap((trace) => trace.regexes),
    ),
    sources: uniteBy(
      (source) => JSON.stringify(source),
      all.flatMap((trace) => trace.sources),
    ),
    files: [...new Set(all.flatMap((trace) => trace.files))],
    leftOut: uniteBy(
      ({ name }) => name,
      all.flatMap((trace) => trace.leftOut),
    )
      .filter(({ name }) => !names.has(name))
      .sort(by('name')),
  }
}

function assertSamePython(first: { name: string; trace: Trace }, name: string, trace: Trace): void {
  const [a, b] = [first.trace.python, trace.python]
  if (a.cacheTag === b.cacheTag && a.optimize === b.optimize) return
  const describe = ({ cacheTag, optimize }: Trace['python']) =>
    `${cacheTag}${optimize > 0 ? ` -${'O'.repeat(optimize)}` : ''}`
  throw new PycdsError('TRACE_INVALID', {
    message: `trace ${name}: it is of ${describe(b)}, and ${first.name} of ${describe(a)}`,
    hint: 'Merge traces of the same minor version of Python, run with the same optimisation.',
  })
}

/** What `trace merge` prints. */
export interface MergeResult {
  schema: 'io.pycds.trace-merge/1'
  from: { file: string; modules: number }[]
  modules: number
  output: string | null
}

export interface TraceDiff {
  schema: 'io.pycds.trace-diff/1'
  /** Only in the first trace. */
  removed: string[]
  /** Only in the second trace. */
  added: string[]
  changed: { name: string; what: ('origin' | 'entry' | 'package' | 'source')[] }[]
  /** Modules that are the same in both. */
  same: number
}

/** Compares two traces by the names of modules; their order is not compared. */
export function diffTraces(from: Trace, to: Trace): TraceDiff {
  const before = new Map(from.modules.map((module) => [module.name, module]))
  const after = new Map(to.modules.map((module) => [module.name, module]))
  const changed: TraceDiff['changed'] = []
  for (const [name, module] of after) {
    const what = differences(before.get(name) ?? module, module)
    if (what.length > 0) changed.push({ name, what })
  }
  const missingIn = (other: ReadonlyMap<string, unknown>) => (name: string) => !other.has(name)
  const added = [...after.keys()].filter(missingIn(before)).sort()
  return {
    schema: 'io.pycds.trace-diff/1',
    removed: [...before.keys()].filter(missingIn(after)).sort(),
    added,
    changed: changed.sort(by('name')),
    same: after.size - added.length - changed.length,
  }
}

function differences(a: TraceModule, b: TraceModule): TraceDiff['changed'][number]['what'] {
  return [
    ...(a.origin === b.origin ? [] : (['origin'] as const)),
    ...(a.entry === b.entry ? [] : (['entry'] as const)),
    ...(a.package === b.package ? [] : (['package'] as const)),
    ...(a.sourceHash === b.sourceHash ? [] : (['source'] as const)),
  ]
}

function uniteBy<T>(key: (item: T) => string, items: readonly T[]): T[] {
  const united = new Map<string, T>()
  for (const item of items) if (!united.has(key(item))) united.set(key(item), item)
  return [...united.values()]
}
