// SPDX-License-Identifier: Apache-2.0
// What was to be shown, and what was measured, side by side.
import type { FixedCost } from '../parts/fixed.js'
import type { Growth } from '../parts/growth.js'
import type { Profile } from '../parts/profile.js'
import type { Entry, Results } from '../results.js'
import { idealFactor, idealProcessFactor, isPure, meanFactor, meanOfAll } from '../summary.js'
import { factorText, table } from './markdown.js'

interface Goal {
  readonly what: string
  readonly goal: string
  /** By interpreter; undefined where it was not measured. */
  reached(python: string, results: Results): string | undefined
}

const GOALS: readonly Goal[] = [
  {
    what: 'import phase, warm, all packages, geometric mean',
    goal: 'at least 2.0x',
    reached: (python, results) => withIdealPhase(warm(python, results), results),
  },
  {
    what: 'the same without numpy, scipy, pandas, seaborn, sklearn, torch',
    goal: 'at least 2.2x',
    reached: (python, results) => withIdealPhase(warm(python, results).filter(isPure), results),
  },
  {
    what: 'the same, the package that gains least',
    goal: 'at least 1.0x',
    reached: (python, results) => {
      const least = meanFactor(warm(python, results), 'phase', 'pycds', 'plain')?.least
      return least && `${factorText(least.factor)} (${least.package})`
    },
  },
  {
    what: 'whole process, geometric mean',
    goal: 'at least 1.7x',
    reached: (python, results) => {
      const entries = warm(python, results)
      const ideal = meanOfAll(entries, (entry) => idealProcessFactor(entry, 'plain', results))
      return withIdeal(mean(entries, 'process'), ideal)
    },
  },
  {
    what: 'whole process against code-data-share',
    goal: 'at least 1.5x',
    reached: (python, results) => {
      const entries = warm(python, results).filter(({ contestants }) => contestants.cds)
      const found = meanFactor(entries, 'process', 'pycds', 'cds')
      const ideal = meanOfAll(entries, (entry) => idealProcessFactor(entry, 'cds', results))
      return withIdeal(found && `${factorText(found.factor)} of ${found.count}`, ideal)
    },
  },
  {
    what: 'import phase of images without bytecode',
    goal: 'at least 4x',
    reached: (python, results) => {
      const found = meanFactor(warm(python, results), 'phase', 'pycds-nopyc', 'nopyc')
      return found && factorText(found.factor)
    },
  },
  {
    what: 'import phase, page cache emptied',
    goal: 'at least 2x',
    reached: (python, results) => mean(select(python, 'cold', results), 'phase'),
  },
  {
    what: 'fixed cost of hook and archive',
    goal: 'at most 1.5 ms',
    reached: (python, results) => {
      const row = part<FixedCost>(results, 'fixed').find((one) => one.python === python)
      return row && `${(row.pycds.wallMs - row.plain.wallMs).toFixed(2)} ms`
    },
  },
  {
    what: "the runtime's own code, page faults included",
    goal: 'at most 5 % of the import phase',
    reached: (python, results) => {
      const rows = part<Profile>(results, 'profile').filter((one) => one.python === python)
      const shares = rows.flatMap((row) => row.ownOfPhasePercent ?? [])
      return shares.length > 0
        ? `${Math.max(...shares).toFixed(1)} % (the most of ${shares.length})`
        : undefined
    },
  },
  {
    what: 'processor time per module of 100, 1,000 and 10,000 modules',
    goal: 'within 1.3x of each other',
    reached: (python, results) => {
      const rows = part<Growth>(results, 'growth').filter(
        (one) => one.python === python && one.imported === one.archived,
      )
      const apart = (each: readonly number[]) => factorText(Math.max(...each) / Math.min(...each))
      const pycds = rows.map((row) => row.pycdsCpuMs / row.imported)
      const plain = rows.map((row) => row.plainCpuMs / row.imported)
      return rows.length > 1 ? `${apart(pycds)} (plain CPython ${apart(plain)})` : undefined
    },
  },
]

/** One row a goal, one column an interpreter. */
export function goalTable(results: Results, pythons: readonly { id: string }[]): string {
  const rows = GOALS.map(({ what, goal, reached }) => [
    what,
    goal,
    ...pythons.map(({ id }) => reached(id, results) ?? '–'),
  ])
  return table(
    ['left', 'left', ...pythons.map(() => 'right' as const)],
    [['', 'goal', ...pythons.map(({ id }) => id)], ...rows],
  )
}

export function select(python: string, cache: Entry['cache'], results: Results): Entry[] {
  return results.entries.filter((entry) => entry.python === python && entry.cache === cache)
}

/** The rows of a part; none when it was not measured. */
export function part<T>(results: Results, name: string): T[] {
  return (results.parts[name] ?? []) as T[]
}

const warm = (python: string, results: Results) => select(python, 'warm', results)

function mean(entries: readonly Entry[], metric: 'phase' | 'process'): string | undefined {
  const found = meanFactor(entries, metric, 'pycds', 'plain')
  return found && `${factorText(found.factor)} of ${found.count}`
}

function withIdealPhase(entries: readonly Entry[], results: Results): string | undefined {
  return withIdeal(
    mean(entries, 'phase'),
    meanOfAll(entries, (entry) => idealFactor(entry, results)),
  )
}

/** With what an ideal loader reaches, in processor time. */
function withIdeal(reached: string | undefined, ideal: number | undefined): string | undefined {
  return reached && ideal ? `${reached} (ideal loader ${factorText(ideal)})` : reached
}
