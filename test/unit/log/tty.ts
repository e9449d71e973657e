// SPDX-License-Identifier: Apache-2.0
import test from 'ava'
import { createProgress } from '../../../src/log/index.js'
import { fakeStream } from '../../helpers/fake-stream.js'

const ESC = '\u001B'

function start(env: NodeJS.ProcessEnv = { LANG: 'C.UTF-8' }, columns = 80) {
  const stream = fakeStream({ isTTY: true, columns })
  const clock = { ms: 0 }
  const progress = createProgress('auto', { stream, appOutput: 'show', env, now: () => clock.ms })
  return { stream, clock, progress }
}

test('a running step is one live line that its updates replace', (t) => {
  const { stream, clock, progress } = start()
  const step = progress.step('train', 'Training')
  t.deepEqual(stream.screen(), ['⠋ Training 0.0s'])
  clock.ms = 1_500
  step.update('120 modules')
  t.deepEqual(stream.screen(), ['⠋ Training: 120 modules 1.5s'])
  progress.close()
})

test('updates in quick succession are not drawn one by one', (t) => {
  const { stream, clock, progress } = start()
  const step = progress.step('train', 'Training')
  const before = stream.text().length
  for (let i = 0; i < 1000; i += 1) step.update(`${i} modules`)
  t.is(stream.text().length, before)
  clock.ms = 200
  step.update('done soon')
  t.regex(stream.screen()[0] ?? '', /done soon/)
  progress.close()
})

test('a finished step stays as a line with its sign, time and detail', (t) => {
  const { stream, clock, progress } = start()
  const step = progress.step('train', 'Training')
  clock.ms = 2_000
  step.done('312 modules')
  step.fail('too late')
  progress.step('archive', 'Writing').fail('disk full')
  t.deepEqual(stream.screen(), ['✔ Training: 312 modules 2.0s', '✖ Writing: disk full 0.0s'])
  progress.close()
})

test("the application's lines and warnings scroll above the live lines", (t) => {
  const { stream, progress } = start()
  progress.step('a', 'First')
  progress.step('b', 'Second')
  progress.appOutput('stdout', Buffer.from('hello\nwor'))
  progress.warn('careful')
  t.deepEqual(stream.screen(), ['app | hello', 'warning: careful', '⠋ First 0.0s', '⠋ Second 0.0s'])
  progress.close()
  t.deepEqual(stream.screen(), ['app | hello', 'warning: careful', 'app | wor'])
})

test('a live line never wraps: it could not be erased', (t) => {
  const { stream, progress } = start(undefined, 30)
  const step = progress.step('a', `Running ${'very '.repeat(20)}long`)
  t.is(stream.screen().length, 1)
  t.true((stream.screen()[0]?.length ?? 99) < 30)
  step.done()
  progress.close()
})

test('a detail with line feeds stays on the live line', (t) => {
  const { stream, clock, progress } = start()
  const step = progress.step('a', 'Step')
  clock.ms = 1_000
  step.update('two\nlines')
  t.deepEqual(stream.screen(), ['⠋ Step: two lines 1.0s'])
  progress.close()
})

test('NO_COLOR takes the colours away and keeps the live line', (t) => {
  const { stream, progress } = start({ LANG: 'C.UTF-8', NO_COLOR: '1' })
  progress.step('a', 'Step').done()
  t.false(new RegExp(`${ESC}\\[\\d+m`).test(stream.text()))
  t.deepEqual(stream.screen(), ['✔ Step 0.0s'])
  progress.close()
})

test('without UTF-8 the signs are letters', (t) => {
  const { stream, progress } = start({ LANG: 'C' })
  progress.step('a', 'Step').done()
  t.deepEqual(stream.screen(), ['ok Step 0.0s'])
  progress.close()
})

test('after closing nothing is live', (t) => {
  const { stream, progress } = start()
  progress.step('a', 'Step')
  progress.close()
  progress.close()
  t.deepEqual(stream.screen(), [])
})
