// SPDX-License-Identifier: Apache-2.0
// One test file without and with the archive, or the snapshot, again where they differ.
import { isByDesign } from './by-design.js'
import { differingCases, FILE, judge, type Outcomes, outcomeOf } from './compare.js'
import type { Kind } from './options.js'
import type { FileRun, Side } from './outcomes.js'
import { faultsOf, type Proof, plainFaultsOf, proofOf } from './proof.js'

const RERUNS = 3

/** Runs a test file, with or without the archive. */
export type RunFile = (side: Side, file: string) => Promise<FileRun>

/** Outcomes that are not the same, with what was told of the first that failed. */
export interface Difference extends Outcomes {
  readonly detail: string
}

/** What is kept of a test file. */
export interface FileResult {
  readonly file: string
  /** Test cases, of either run. */
  readonly attempted: number
  /** With and without. */
  readonly passed: number
  readonly skipped: number
  /** With and without: they are not about the archive. */
  readonly failed: number
  readonly differing: readonly Difference[]
  /** Those that differ as docs/compatibility.md says. */
  readonly byDesign: readonly Difference[]
  readonly flaky: readonly Difference[]
  readonly end: string
  readonly proof: Proof
  /** Why the comparison does not count. */
  readonly faults: readonly string[]
  readonly seconds: Readonly<Record<Side, number>>
}

/** A result, and the runs that it was made from. */
export interface ComparedFile {
  readonly result: FileResult
  readonly runs: Readonly<Record<Side, readonly FileRun[]>>
}

export async function compareFile(file: string, run: RunFile, kind: Kind = 'archive'): Promise<ComparedFile> {
  const plain = [await run('plain', file)]
  const archive = [await run('archive', file)]
  const suspects = new Set(differing(plain, archive))
  for (let again = 0; again < RERUNS && suspects.size > 0; again++) {
    plain.push(await run('plain', file))
    archive.push(await run('archive', file))
  }
  const judged = [...suspects].map((name) => describe(name, plain, archive))
  const withVerdict = (verdict: string) => judged.filter((one) => judge(one) === verdict)
  const differences = withVerdict('differs')
  return {
    result: {
      ...{ file, ...countCases(plain[0], archive[0]), end: archive[0]?.end ?? '' },
      differing: differences.filter((one) => !isByDesign(file, one.case, kind)),
      byDesign: differences.filter((one) => isByDesign(file, one.case, kind)),
      flaky: withVerdict('flaky'),
      proof: proofOf(archive[0] ?? NEVER, plain[0] ?? NEVER),
      faults: [
        ...new Set([
          ...plain.flatMap(plainFaultsOf),
          ...archive.flatMap((one, at) => faultsOf(one, plain[at] ?? NEVER, kind)),
        ]),
      ],
      seconds: { plain: plain[0]?.seconds ?? 0, archive: archive[0]?.seconds ?? 0 },
    },
    runs: { plain, archive },
  }
}

const NEVER: FileRun = {
  ...{ end: '', cases: new Map(), starts: [], counters: undefined, seconds: 0, output: '' },
}

function differing([plain]: readonly FileRun[], [archive]: readonly FileRun[]): string[] {
  return differingCases(plain ?? NEVER, archive ?? NEVER)
}

function describe(name: string, plain: readonly FileRun[], archive: readonly FileRun[]): Difference {
  const ways = [...archive, ...plain]
  const failing = ways.find((run) =>
    name === FILE ? run.end !== 'completed' : !/^(passed|absent)$/.test(outcomeOf(run, name)),
  )
  return {
    case: name,
    plain: plain.map((run) => outcomeOf(run, name)),
    archive: archive.map((run) => outcomeOf(run, name)),
    detail: (name === FILE ? failing?.output.slice(-3000) : failing?.cases.get(name)?.detail) ?? '',
  }
}

function countCases(
  plain: FileRun = NEVER,
  archive: FileRun = NEVER,
): Pick<FileResult, 'attempted' | 'passed' | 'skipped' | 'failed'> {
  const counts = { attempted: 0, passed: 0, skipped: 0, failed: 0 }
  for (const name of new Set([...plain.cases.keys(), ...archive.cases.keys()])) {
    counts.attempted++
    const [one, other] = [outcomeOf(plain, name), outcomeOf(archive, name)]
    if (one !== other) continue
    if (one === 'passed' || one === 'failed as expected') counts.passed++
    else if (one === 'skipped') counts.skipped++
    else counts.failed++
  }
  return counts
}
