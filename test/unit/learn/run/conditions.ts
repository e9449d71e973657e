// SPDX-License-Identifier: Apache-2.0
import test from 'ava'
import { matchOutput } from '../../../../src/learn/run/conditions.js'

function holds(pattern: RegExp, ...chunks: (string | Buffer)[]): boolean {
  const condition = matchOutput({ kind: 'log', pattern })
  for (const chunk of chunks) condition.push('stdout', Buffer.from(chunk))
  return condition.holds
}

test('a line is matched wherever it is cut, and however it ends', (t) => {
  const prêt = Buffer.from('prêt\n')
  t.true(holds(/^prêt$/, 'x\n', prêt.subarray(0, 3), prêt.subarray(3)))
  t.true(holds(/^up$/, 'up\r', '\nnext\n'))
  t.true(holds(/^> $/, 'x\n> '))
  t.false(holds(/^b/, 'a', 'b\n'))
})

test('only the beginning of an endless line is looked at', (t) => {
  const long = 'x'.repeat(70_000)
  t.false(holds(/end/, long, 'end\n'))
  t.false(holds(/^x{1,100}$/, long, 'x\n'))
  t.true(holds(/end/, long, '\nend\n'))
})
