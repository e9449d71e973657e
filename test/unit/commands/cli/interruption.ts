// SPDX-License-Identifier: Apache-2.0
import { EventEmitter } from 'node:events'
import test from 'ava'
import { interruptible, type SignalSource } from '../../../../src/commands/cli/interruption.js'

class FakeProcess extends EventEmitter implements SignalSource {
  exits: number[] = []
  stderr = { write: () => true }
  exit(code: number): never {
    this.exits.push(code)
    throw new Error('exited')
  }
}

/** Work that ends only when it is told to stop, after a clean-up that takes a turn of the event loop. */
function untilAborted(done: string[]) {
  return (signal: AbortSignal) =>
    new Promise<never>((_, reject) => {
      signal.addEventListener('abort', () =>
        setImmediate(() => {
          done.push('cleaned up')
          reject(new Error('container is gone'))
        }),
      )
    })
}

for (const name of ['SIGINT', 'SIGTERM']) {
  test(`${name} stops the work, waits for its clean-up and becomes INTERRUPTED`, async (t) => {
    const source = new FakeProcess()
    const done: string[] = []
    const run = interruptible(untilAborted(done), source)
    source.emit(name, name)
    t.like(await t.throwsAsync(run), { code: 'INTERRUPTED', exitCode: 130 })
    t.deepEqual(done, ['cleaned up'])
    t.deepEqual(source.exits, [])
  })
}

test('a second signal ends the process at once', async (t) => {
  const source = new FakeProcess()
  const run = interruptible(untilAborted([]), source)
  source.emit('SIGINT', 'SIGINT')
  t.throws(() => source.emit('SIGINT', 'SIGINT'), { message: 'exited' })
  t.deepEqual(source.exits, [130])
  await t.throwsAsync(run)
})

test('without a signal results and errors pass, and no listener stays', async (t) => {
  const source = new FakeProcess()
  t.is(await interruptible(async () => 7, source), 7)
  await t.throwsAsync(
    interruptible(() => Promise.reject(new Error('mine')), source),
    { message: 'mine' },
  )
  t.is(source.listenerCount('SIGINT') + source.listenerCount('SIGTERM'), 0)
})

test('work that finishes although it was interrupted has finished', async (t) => {
  const source = new FakeProcess()
  const result = interruptible(async () => {
    source.emit('SIGINT', 'SIGINT')
    return 'tagged'
  }, source)
  t.is(await result, 'tagged')
})
