// SPDX-License-Identifier: Apache-2.0
import { EventEmitter } from 'node:events'
import { setTimeout } from 'node:timers/promises'
import test from 'ava'
import { Interrupted, listenForInterruption } from '../../../conformance/interruption.js'

const failed = (code: string) => Object.assign(new Error(`${code}: write`), { code })

test('a run that nobody reads any more is interrupted, and one that can say nothing fails', (t) => {
  const [pipe, disk] = [new EventEmitter(), new EventEmitter()]
  const [unread, full] = [listenForInterruption(pipe), listenForInterruption(disk)]
  t.false(unread.aborted || full.aborted)
  pipe.emit('error', failed('EPIPE'))
  pipe.emit('error', failed('EPIPE'))
  t.true(unread.reason instanceof Interrupted)
  t.is(unread.reason.exitCode, 141)
  disk.emit('error', failed('ENOSPC'))
  t.false(full.reason instanceof Interrupted)
  t.regex(full.reason.message, /ENOSPC/)
})

test('whatever asks a process to end interrupts a run, a terminal that is closed too', async (t) => {
  for (const [name, code] of [
    ['SIGHUP', 129],
    ['SIGINT', 130],
    ['SIGTERM', 143],
  ] as const) {
    const signal = listenForInterruption(new EventEmitter())
    process.kill(process.pid, name)
    while (!signal.aborted) await setTimeout(5)
    t.like(signal.reason, { by: name, exitCode: code })
  }
})
