// SPDX-License-Identifier: Apache-2.0
import test from 'ava'
import { createProgress, createStyle } from '../../../src/log/index.js'
import { fakeStream } from '../../helpers/fake-stream.js'

const writesPlainly = test.macro((t, isTTY: boolean, env: NodeJS.ProcessEnv, mode: 'auto' | 'plain') => {
  const stream = fakeStream({ isTTY })
  const progress = createProgress(mode, { stream, appOutput: 'show', env, now: () => 0 })
  progress.step('a', 'Step').done()
  progress.close()
  t.is(stream.text(), '[a] Step\n[a] done in 0.0s\n')
})

test('auto is plain in a pipe', writesPlainly, false, {}, 'auto')
test('auto is plain on a dumb terminal', writesPlainly, true, { TERM: 'dumb' }, 'auto')
test('auto is plain in CI', writesPlainly, true, { CI: 'true' }, 'auto')
test('plain is plain on a terminal', writesPlainly, true, { LANG: 'C.UTF-8' }, 'plain')

test('quiet shows warnings only', (t) => {
  const stream = fakeStream({ isTTY: true })
  const progress = createProgress('quiet', { stream, appOutput: 'show', env: {} })
  const step = progress.step('a', 'Step')
  step.update('x')
  progress.appOutput('stdout', Buffer.from('hello\n'))
  progress.warn('careful')
  step.fail('x')
  progress.close()
  t.is(stream.text(), 'warning: careful\n')
})

test('text is marked on a terminal only, and not against the wish of its owner', (t) => {
  t.is(createStyle({ isTTY: true }, {}).good('x'), '\u001B[32mx\u001B[39m')
  t.is(createStyle({ isTTY: true }, { NO_COLOR: '' }).good('x'), '\u001B[32mx\u001B[39m')
  t.is(createStyle({ isTTY: true }, { NO_COLOR: '1' }).good('x'), 'x')
  t.is(createStyle({ isTTY: false }, { FORCE_COLOR: '1', TERM: 'dumb' }).good('x'), '\u001B[32mx\u001B[39m')
  t.is(createStyle({ isTTY: true }, { FORCE_COLOR: '1', NO_COLOR: '1' }).good('x'), 'x')
  for (const none of ['0', 'false']) t.is(createStyle({ isTTY: true }, { FORCE_COLOR: none }).good('x'), 'x')
  t.is(createStyle({ isTTY: true }, { TERM: 'dumb' }).good('x'), 'x')
  t.is(createStyle({}, {}).good('x'), 'x')
})
