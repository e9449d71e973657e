// SPDX-License-Identifier: Apache-2.0
import type { Package } from '../packages.js'
import { measuredInFull, type Python } from '../pythons.js'
import type { Results } from '../results.js'

/** What a part of the benchmark works with. */
export interface PartContext {
  /** What was chosen to be measured. */
  readonly options: {
    readonly packages: readonly Package[]
    readonly pythons: readonly Python[]
    /** Starts of each contestant, where a part has no number of its own. */
    readonly runs: number
    /** Starts with an empty page cache; 0: none. */
    readonly coldRuns: number
    /** Another built checkout to compare with. */
    readonly other?: string | undefined
  }
  readonly results: Results
  /** A directory for it alone; everything below may be deleted. */
  readonly folder: string
  say(line: string): void
  /** Saves what was measured so far. */
  save(): Promise<void>
}

/** One of the things that the benchmark shows beside the times of packages. */
export interface Part {
  readonly name: string
  readonly title: string
  /** Whether it keeps row by row what it measures, so that it goes on where an interrupted run has ended. */
  readonly goesOn?: boolean
  /** Measures, and puts the figures into the results. */
  run(context: PartContext): Promise<unknown>
}

/** Makes what the measurement of one package asks for later. */
type MakeOne = (python: Python, one: Package, context: PartContext) => Promise<unknown>

/** The rows of one package on one interpreter, or why there are none. */
type MeasureOne<Row> = (python: Python, one: Package, context: PartContext) => Promise<Row[] | string>

/** How many are made at once: one for each of the two processors of a small machine. */
const MADE_TOGETHER = 2

/**
 * Measures packages on each interpreter, and saves after each. What an interrupted run has measured stays; one that
 * fails is said. What `make` is given for comes before the first measurement, several at a time: nothing is timed then,
 * and so the machine has to be quiet only for the rest.
 */
export async function measureEach<Row extends { readonly python: string; readonly package: string }>(
  name: string,
  context: PartContext,
  packages: readonly Package[],
  { make, measure, describe }: { make?: MakeOne; measure: MeasureOne<Row>; describe: (row: Row) => string },
): Promise<Row[]> {
  const rows = (context.results.parts[name] ?? []) as Row[]
  context.results.parts[name] = rows
  const missing = measuredInFull(context.options.pythons)
    .flatMap((python) => packages.map((one) => [python, one] as const))
    .filter(([python, one]) => !rows.some((row) => row.python === python.id && row.package === one.name))
  if (make !== undefined) {
    await makeEach(missing, ([python, one]) => make(python, one, context))
  }
  for (const [python, one] of missing) {
    const found = await measure(python, one, context).catch((error: unknown) => String(error))
    if (typeof found === 'string') {
      context.say(`${python.id} ${one.name}: ${found}`)
      continue
    }
    rows.push(...found)
    for (const row of found) context.say(describe(row))
    await context.save()
  }
  return rows
}

/** Makes what is measured later, several at a time. */
export async function makeEach<T>(all: readonly T[], make: (one: T) => Promise<unknown>): Promise<void> {
  const queue = all.values()
  const worker = async () => {
    // What fails here fails again where it is measured, and is said there.
    for (const one of queue) await make(one).catch(() => undefined)
  }
  await Promise.all(Array.from({ length: MADE_TOGETHER }, worker))
}

/** One start of a command in a root directory, many times in turns: milliseconds of the processor and on the wall. */
export interface Cost {
  readonly wallMs: number
  readonly cpuMs: number
}
