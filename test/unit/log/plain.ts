// SPDX-License-Identifier: Apache-2.0
import test from 'ava'
import { createProgress } from '../../../src/log/index.js'
import { fakeStream } from '../../helpers/fake-stream.js'

function start(appOutput: 'show' | 'hide' = 'show') {
  const stream = fakeStream()
  const clock = { ms: 0 }
  const progress = createProgress('plain', { stream, appOutput, env: {}, now: () => clock.ms })
  return { stream, clock, progress }
}

test('a step is one line at its start and one at its end, with the time it took', (t) => {
  const { stream, clock, progress } = start()
  const step = progress.step('train', 'Running the entrypoint')
  step.update('40 modules')
  clock.ms = 3_420
  step.done('312 modules')
  t.is(stream.text(), '[train] Running the entrypoint\n[train] done in 3.4s: 312 modules\n')
})

test('a step that takes long tells from time to time how far it is', (t) => {
  const { stream, clock, progress } = start()
  const step = progress.step('snapshot', 'Freezing')
  for (const [ms, detail] of [
    [5_000, 'round 1'],
    [31_000, 'round 2'],
    [45_000, 'round 3'],
    [62_000, 'round 4'],
  ] as const) {
    clock.ms = ms
    step.update(detail)
  }
  step.done()
  step.update('round 5')
  t.is(
    stream.text(),
    '[snapshot] Freezing\n[snapshot] round 2\n[snapshot] round 4\n[snapshot] done in 1m02s\n',
  )
})

test('a failed step says so, and ends only once', (t) => {
  const { stream, clock, progress } = start()
  const step = progress.step('train', 'Running')
  clock.ms = 125_000
  step.fail('exit code 1')
  step.done()
  t.is(stream.text(), '[train] Running\n[train] failed in 2m05s: exit code 1\n')
})

test('the application speaks in prefixed lines, cut where its lines end', (t) => {
  const { stream, progress } = start()
  progress.appOutput('stdout', Buffer.from('one\ntw'))
  progress.appOutput('stderr', Buffer.from('error\r\n'))
  progress.appOutput('stdout', Buffer.from('o\nrest'))
  progress.close()
  progress.close()
  t.is(stream.text(), 'app | one\napp | error\napp | two\napp | rest\n')
})

test('a hidden application is not shown, at its end either', (t) => {
  const { stream, progress } = start('hide')
  progress.appOutput('stdout', Buffer.from('one\ntwo'))
  progress.close()
  t.is(stream.text(), '')
})

test('nothing written is more than text, whatever the application sends', (t) => {
  const { stream, progress } = start()
  progress.appOutput(
    'stdout',
    Buffer.from('\u001B[2J\u001B[31mred\u001B[0m\u0007\u001B]0;title\u0007\tend\n'),
  )
  t.is(stream.text(), 'app | red\tend\n')
})

test('a warning is one line', (t) => {
  const { stream, progress } = start()
  progress.warn('the image sets PYTHONDONTWRITEBYTECODE')
  t.is(stream.text(), 'warning: the image sets PYTHONDONTWRITEBYTECODE\n')
})
