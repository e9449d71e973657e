// SPDX-License-Identifier: Apache-2.0
import test from 'ava'
import { compareStarts } from '../../../src/artifact/kind/compare-starts.js'
import { PycdsError } from '../../../src/errors/index.js'
import type { Start } from '../../../src/learn/run/index.js'

const start = (more: Partial<Start> = {}): Start => ({
  ...{ by: 'exit', exitCode: 0, seconds: 1, activity: 1, warnings: [], probes: [], unseen: [] },
  ...more,
})
const served = (by: Start['by']) => start({ by, exitCode: null })

test('starts that end alike are alike', (t) => {
  t.is(compareStarts(start(), start(), true), null)
  t.is(compareStarts(served('port'), served('port'), true), null)
  // Whether a program ends or is stopped a moment before is a matter of time.
  t.is(compareStarts(served('quiet'), start(), true), null)
})

test('what crashes without the archive, too, is wrong only where it must run', (t) => {
  const crash = start({ exitCode: 1, lastWords: "KeyError: 'DB'" })
  t.regex(
    compareStarts(crash, crash, true) ?? '',
    /exit code 1 \(KeyError: 'DB'\), with the archive and without/,
  )
  t.is(compareStarts(crash, crash, false), null)
})

test('another end is wrong wherever it is', (t) => {
  const crash = start({ exitCode: 139 })
  for (const mustRun of [true, false]) {
    t.regex(compareStarts(crash, start(), mustRun) ?? '', /139; without the archive it ends with exit code 0/)
    t.regex(compareStarts(start(), crash, mustRun) ?? '', /code 0; without the archive it ended .* 139/)
  }
  t.regex(compareStarts(served('quiet'), served('health'), true) ?? '', /fell quiet before health/)
  const failure = new PycdsError('TRAINING_TIMEOUT', { message: 'training run: not ready', hint: 'x' })
  t.is(
    compareStarts(start({ by: undefined, exitCode: null, failure }), served('http'), true),
    'not ready; without the archive it runs (http)',
  )
})
