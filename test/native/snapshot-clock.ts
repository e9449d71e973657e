// SPDX-License-Identifier: Apache-2.0
// A measured start of an image with a snapshot goes on in it: the clock that the tracer has begun is handed over.
import { mkdirSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import test from 'ava'
import { parseTimes } from '../../src/learn/run/times.js'
import { findFreezable } from '../helpers/snapshot.js'
import { testInTurn } from '../helpers/test-in-turn.js'
import { WarmBench } from '../helpers/warm.js'

const NONE = { started: 0, lastImport: 0, finished: 0, imports: 0, bound: 0 }
const ENV = { PYTHONHASHSEED: '0' }

const python = findFreezable().at(-1)
if (python === undefined)
  test.skip('no CPython on this machine that can be frozen: nothing is timed', () => undefined)
else {
  testInTurn(
    `${python.version}: a measured start goes on in the snapshot, and its imports are timed`,
    async (t) => {
      const bench = new WarmBench(t, python)
      await bench.train()
      await bench.freezeWarm(['json', 'logging'], ENV)
      const times = join(bench.directory, 'times')
      mkdirSync(times)
      const program =
        'import os, sys; import json, logging; print(sorted(k for k in os.environ if "PRELOAD" in k))'
      const env = {
        ...ENV,
        LD_PRELOAD: join(bench.directory, 'pycds-tracer.so'),
        PYCDS_TIME_DIR: times,
        PYCDS_TIME_HANDOVER: '1',
      }
      const { code, stdout, snapshot } = await bench.start(['-c', program], { env })
      t.deepEqual([code, stdout, snapshot], [0, '[]\n', 'thawed'])
      const files = readdirSync(times)
      t.is(files.length, 1)
      const clock = () => readdirSync(times).map((name) => parseTimes(readFileSync(join(times, name))))
      const [{ started, lastImport, finished, imports } = NONE] = clock()
      t.true(
        started > 0 && started < lastImport && lastImport < finished,
        `${started} ${lastImport} ${finished}`,
      )
      t.true(imports >= 2)

      // A snapshot that is refused leaves the archive, and the clock goes on as well.
      const refused = await bench.start(['-c', 'import json'], { env: { ...env, TZ: 'Asia/Tokyo' } })
      t.is(refused.snapshot, 'ENVIRONMENT')
      t.is(clock().length, 2)
      t.true(clock().every((one) => (one?.imports ?? 0) > 0))
    },
  )
}
