// SPDX-License-Identifier: Apache-2.0
import { existsSync } from 'node:fs'
import { readdir, readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { prepare } from './contestants.js'
import { canImport, makeBase } from './images.js'
import { describeEntry } from './lines.js'
import { commitOf, machineFacts } from './machine.js'
import { measurePackage } from './measure.js'
import type { Options } from './options.js'
import type { Package } from './packages.js'
import type { Python } from './pythons.js'
import { findEntry, type Results, readResults, saveResults } from './results.js'
import { ROOT, run } from './shell.js'
import { measureSizes } from './sizes.js'

export type Say = (line: string) => void

/** Measures every package that is not measured yet, and saves after each. */
export async function runPackages(options: Options, results: Results, say: Say): Promise<void> {
  for (const python of options.pythons) {
    for (const one of options.packages) {
      const caches = (['warm', 'cold'] as const).filter(
        (cache) =>
          (cache === 'warm' || (options.coldRuns > 0 && python.only === undefined)) &&
          !findEntry(results, { python: python.id, package: one.name, cache }),
      )
      if (caches.length === 0) continue
      const reason = await measure(python, one, caches, options, results, say)
      results.skipped = results.skipped.filter(
        (skip) => skip.python !== python.id || skip.package !== one.name,
      )
      if (reason !== undefined) {
        results.skipped.push({ python: python.id, package: one.name, reason })
        say(`${python.id} ${one.name}: skipped: ${reason}`)
      }
      await saveResults(options.results, results)
    }
  }
}

/** Measures the parts that are not measured yet. One that fails is said, and does not end the benchmark. */
export async function runParts(options: Options, results: Results, say: Say): Promise<void> {
  const folder = join(ROOT, 'bench/work', String(process.pid))
  const save = () => saveResults(options.results, results)
  for (const part of options.parts) {
    if (results.parts[part.name] !== undefined && !part.goesOn) continue
    say(`${part.title}:`)
    try {
      results.parts[part.name] = await part.run({ options, results, folder, say, save })
    } catch (error) {
      say(`${part.title}: failed: ${error instanceof Error ? error.message : error}`)
    }
    await save()
  }
}

/** Why the package was skipped; undefined when it was measured. */
async function measure(
  python: Python,
  one: Package,
  caches: readonly ('warm' | 'cold')[],
  options: Options,
  results: Results,
  say: Say,
): Promise<string | undefined> {
  const base = await makeBase(python.images[one.image]).catch((error: unknown) => error as Error)
  if (base instanceof Error) return base.message
  const refusal = await canImport(base, python, one)
  if (refusal !== undefined) return refusal
  const prepared = await prepare(python, one, {
    names: options.contestants,
    folder: join(ROOT, 'bench/work', String(process.pid)),
    other: options.other,
  })
  try {
    for (const cache of caches) {
      const cold = cache === 'cold'
      const runs = cold ? options.coldRuns : options.runs
      const entry = await measurePackage(python, one, prepared, runs, cold)
      const own = prepared.ready.find(({ name }) => name === 'pycds')
      const sizes = own?.baked && !cold && !options.quick
      results.entries.push({
        ...entry,
        ...(sizes ? { sizes: await measureSizes(own.baked, own.starter.root, python) } : {}),
      })
      say(describeEntry(entry))
    }
    return undefined
  } finally {
    await prepared.close()
  }
}

/** The results of an earlier run that this one continues, or new ones. */
export async function openResults(options: Options, say: Say): Promise<Results> {
  const commit = await commitOf(ROOT)
  const saved = options.fresh ? undefined : await readResults(options.results)
  if (saved?.commit === commit && saved.finished === null) {
    say(`going on with ${saved.entries.length} measurements in ${options.results}`)
    return saved
  }
  // Figures of two commits in one table would compare nothing.
  if (saved)
    say(`${options.results} is ${saved.finished ? 'finished' : `of commit ${saved.commit}`}: starting anew`)
  return {
    schema: 'io.pycds.benchmark/1',
    commit,
    machine: await machineFacts(),
    started: new Date().toISOString(),
    finished: null,
    skipped: [],
    entries: [],
    parts: {},
  }
}

/** Directories and images that an earlier, killed run left. */
export async function removeLeftovers(): Promise<void> {
  const folder = join(ROOT, 'bench/work')
  for (const pid of await readdir(folder).catch(() => [])) {
    // Another one may be at work: its images are its own business.
    if (existsSync(`/proc/${pid}`)) return
    await rm(join(folder, pid), { recursive: true, force: true })
  }
  if (await anotherIsAtWork()) return
  const form = '{{.Repository}}:{{.Tag}}'
  const left = await run('docker', ['images', '--format', form, '--filter', 'reference=pycds-bench/*'])
  for (const image of left.split('\n').filter(Boolean)) await run('docker', ['rmi', image])
}

/** Whether another checkout's benchmark runs on this machine: the engine and its images are shared. */
async function anotherIsAtWork(): Promise<boolean> {
  for (const pid of await readdir('/proc')) {
    if (!/^\d+$/.test(pid) || Number(pid) === process.pid) continue
    const words = (await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')).split('\0')
    if (words[0]?.endsWith('node') && words.some((word) => word.endsWith('bench/main.ts'))) return true
  }
  return false
}
