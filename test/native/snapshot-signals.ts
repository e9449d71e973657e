// SPDX-License-Identifier: Apache-2.0
// Signals at any moment of a thaw do what they do to a plain start, or a little later.
import test from 'ava'
import { median } from '../../src/util/statistics.js'
import { random } from '../helpers/sections.js'
import { findFreezable, SnapshotBench, type Started, type StartOptions } from '../helpers/snapshot.js'
import { testInTurn } from '../helpers/test-in-turn.js'
import { portion } from '../helpers/tier.js'

const SEED = 20261129
const EACH = portion(3_000)
const AT_ONCE = 4
/** Starts whose time says when a signal may come. */
const MEASURED = 5
/** The last moment, in starts. */
const MOST = 1.5
/** A busy machine sends a signal late: a program that one is to end does not end before. */
const programOf = (seconds: number) =>
  `import time; print("on", flush=True); time.sleep(${seconds}); print("end")`
const WAITS_SECONDS = 200

interface Kind {
  signal: NodeJS.Signals
  /** Of its program, where that ends by itself. */
  seconds?: number
  shell?: string
  /** Whether that is how a start may end. */
  fits: (ended: Started) => boolean
}

const finished = ({ code, stdout }: Started) => code === 0 && stdout === 'on\nend\n'
const killed = (by: string) => (ended: Started) => ended.signal === by

const KINDS: Record<string, Kind> = {
  'SIGTERM ends it': { signal: 'SIGTERM', fits: killed('SIGTERM') },
  'SIGALRM ends it': { signal: 'SIGALRM', fits: killed('SIGALRM') },
  // Before the program runs the exception ends the start with another code, and CPython may lose it on the way: it only
  // writes it where a callback of its own is interrupted.
  'SIGINT interrupts it': {
    signal: 'SIGINT',
    fits: (ended) =>
      ended.signal === 'SIGINT' ||
      (ended.code === 1 && /KeyboardInterrupt|Fatal Python error: init_/.test(ended.stderr)) ||
      (finished(ended) && /^Exception ignored in: [\s\S]*\nKeyboardInterrupt: \n$/.test(ended.stderr)),
  },
  'SIGCHLD is nothing to it': { signal: 'SIGCHLD', seconds: 0.3, fits: finished },
  'an ignored SIGHUP stays ignored': {
    signal: 'SIGHUP',
    seconds: 0.3,
    shell: "trap '' HUP; echo ready >&2",
    fits: finished,
  },
  'an ignored SIGINT stays ignored': {
    signal: 'SIGINT',
    seconds: 0.3,
    shell: "trap '' INT; echo ready >&2",
    fits: finished,
  },
}

const [python] = findFreezable()
if (!python) test.skip('no CPython on this machine that can be frozen: no signal is tested', () => undefined)
else
  for (const [title, { signal, shell, seconds = WAITS_SECONDS, fits }] of Object.entries(KINDS)) {
    testInTurn(`${python.version}: ${title}, at ${EACH} moments`, async (t) => {
      const bench = new SnapshotBench(t, python)
      await bench.freeze()
      const numbers = random(SEED)
      const startMs = await medianStart(bench)
      const o: StartOptions = shell === undefined ? {} : { shell }
      for (let first = 0; first < EACH; first += AT_ONCE) {
        await Promise.all(
          Array.from({ length: AT_ONCE }, async () => {
            const afterMs = numbers.next().value * MOST * startMs
            // A shell has to have come as far as to ignore it.
            const when: StartOptions['signal'] =
              shell === undefined ? [signal, afterMs] : [signal, afterMs, 'stderr']
            const ended = await bench.start(['-c', programOf(seconds)], { ...o, signal: when })
            t.true(fits(ended), `${signal} after ${afterMs} ms: ${JSON.stringify(ended)}`)
          }),
        )
      }
    })
  }

/** How long a start takes on this machine now, in milliseconds. */
async function medianStart(bench: SnapshotBench): Promise<number> {
  const times: number[] = []
  for (let i = 0; i < MEASURED; i++) {
    const begin = performance.now()
    await bench.start(['-c', 'pass'])
    times.push(performance.now() - begin)
  }
  return median(times)
}
