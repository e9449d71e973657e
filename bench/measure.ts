// SPDX-License-Identifier: Apache-2.0
// One package on one interpreter: all contestants in turns, warm or cold.
import { summarise } from '../src/util/statistics.js'
import type { ContestantName, Preparation, Ready } from './contestants.js'
import { drive, type Start } from './driver.js'
import type { Package } from './packages.js'
import type { Python } from './pythons.js'
import type { Entry, Times } from './results.js'

/** Measures whoever starts without an error; the others are named as absent. */
export async function measurePackage(
  python: Python,
  one: Package,
  prepared: Preparation,
  runs: number,
  cold: boolean,
): Promise<Entry> {
  const absent = [...prepared.absent]
  const fit: Ready[] = []
  for (const ready of prepared.ready) {
    try {
      // Also fills the page cache, and lets each see its own files once.
      await drive([ready.starter], 2, false)
      fit.push(ready)
    } catch (error) {
      absent.push({ name: ready.name, reason: String(error).slice(0, 300) })
    }
  }
  const contestants: Partial<Record<ContestantName, Times>> = {}
  // A start without bytecode takes so long that it would need most of the time of the benchmark.
  for (const slow of cold ? [false] : [false, true]) {
    const group = fit.filter(({ name }) => name.endsWith('nopyc') === slow)
    const rounds = slow ? Math.ceil(runs / 3) : runs
    const starters = group.map(({ starter }) => starter)
    const starts = group.length === 0 ? [] : await drive(starters, rounds, cold)
    for (const [index, { name }] of group.entries()) {
      const times = summariseTimes(starts.filter((start) => start.starter === index))
      if (times) contestants[name] = times
    }
  }
  return { python: python.id, package: one.name, cache: cold ? 'cold' : 'warm', runs, contestants, absent }
}

function summariseTimes(starts: readonly Start[]): Times | undefined {
  const phase = summarise(starts.map((start) => start.phase))
  const process = summarise(starts.map((start) => start.process))
  const phaseCpu = summarise(starts.map((start) => start.phaseCpu))
  const processCpu = summarise(starts.map((start) => start.processCpu))
  return phase && process && phaseCpu && processCpu && { phase, process, phaseCpu, processCpu }
}
