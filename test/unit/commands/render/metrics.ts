// SPDX-License-Identifier: Apache-2.0
import test from 'ava'
import { renderBakes } from '../../../../src/commands/render/bakes.js'
import { formatMetrics } from '../../../../src/commands/render/metrics.js'
import { createStyle } from '../../../../src/log/index.js'
import { type ImageOutcome, toBakesResult } from '../../../../src/usecases/fleet/index.js'
import { RESULT } from '../../../helpers/results.js'

const outcome = (name: string, more: Partial<ImageOutcome> = {}): ImageOutcome => ({
  ...{ name, state: 'baked', key: 'sha256:1', seconds: 1.5, result: RESULT, error: null },
  ...more,
})
const FAILED = outcome('b', {
  ...{ state: 'failed', key: null, result: null },
  error: { code: 'IMAGE_NOT_FOUND', message: 'b: gone', hint: 'Build it.', exitCode: 7 },
})

test('metrics tell of each image and of the whole run', (t) => {
  const text = formatMetrics(toBakesResult([outcome('a'), FAILED], null), 1_700_000_000)
  t.true(text.includes('pycds_images{state="baked"} 1\n'))
  t.true(text.includes('pycds_images{state="failed"} 1\n'))
  t.true(text.includes('pycds_image_ok{image="a"} 1\n'))
  t.true(text.includes('pycds_image_ok{image="b"} 0\n'))
  t.true(text.includes('pycds_layer_compressed_bytes{image="a"} 1200000\n'))
  t.true(text.includes('pycds_run_finished_timestamp_seconds 1700000000\n'))
})

test('every line is one of the format, whatever an image is called', (t) => {
  const text = formatMetrics(toBakesResult([outcome('odd "name"\\\n')], null), 1)
  const sample = /^[a-z_]+(\{([a-z]+="([^"\\\n]|\\["\\n])*",?)+\})? [0-9.e+-]+$/
  for (const line of text.trimEnd().split('\n'))
    t.true(/^# (HELP|TYPE) [a-z_]+ /.test(line) || sample.test(line), line)
})

test('the table has a row for each image, and the reason of a failure', (t) => {
  const text = renderBakes(toBakesResult([outcome('a'), FAILED], { index: 0, count: 4 }), createStyle({}, {}))
  t.regex(text, /^2 images \(part 1 of 4\): 1 baked, 0 unchanged, 1 failed\n/)
  t.regex(text, /\n {2}a +baked .* 1\.2 MB +1\.50 s\n/)
  t.regex(text, /\n {2}b +failed .*IMAGE_NOT_FOUND: gone$/)
})

test('a factor in the table comes with how far it may be off, and noise with none', (t) => {
  const table = (start: Partial<NonNullable<typeof RESULT.start>>) => {
    const result = { ...RESULT, start: RESULT.start && { ...RESULT.start, ...start } }
    return renderBakes(toBakesResult([outcome('a', { result })], null), createStyle({}, {}))
  }
  t.regex(table({ speedup: 2.16, relativeError: 0.59 }), /\n {2}a +baked +2\.16x \(within 59 %\) /)
  t.regex(table({ speedup: 2.16, relativeError: null }), /\n {2}a +baked +2\.16x {2}/)
  t.regex(table({ noisy: true }), /\n {2}a +baked +noisy /)
})

test('a dry run is not told as a bake', (t) => {
  const dry = outcome('a', { result: { ...RESULT, output: null } })
  const text = renderBakes(toBakesResult([dry], null), createStyle({}, {}))
  t.regex(text, /^1 image: 1 trained, nothing written, 0 unchanged/)
  t.regex(text, /\n {2}a +dry run /)
})
