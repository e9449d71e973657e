// SPDX-License-Identifier: Apache-2.0
import { getEventListeners, once } from 'node:events'
import test from 'ava'
import { withinLimit } from '../../../../src/commands/cli/time-limit.js'
import { PycdsError } from '../../../../src/errors/index.js'

const NEVER = new AbortController().signal
const LIMIT = { ms: 1, subject: 'image app:1' }

test('work that is stopped by its limit fails of it, after it has cleaned up', async (t) => {
  let cleaned = false
  const error = await t.throwsAsync(
    withinLimit(LIMIT, NEVER, async (signal) => {
      await once(signal, 'abort')
      await Promise.resolve()
      cleaned = true
      throw new Error('a consequence')
    }),
  )
  t.is((error as unknown as PycdsError).code, 'BAKE_TIMEOUT')
  t.true(cleaned)
})

test('work that ends in time gives what it gives', async (t) => {
  t.is(await withinLimit({ ...LIMIT, ms: 60_000 }, NEVER, async () => 'done'), 'done')
  const error = new PycdsError('IMAGE_NOT_FOUND', { message: 'gone', hint: 'Build it.' })
  const failure = await t.throwsAsync(
    withinLimit({ ...LIMIT, ms: 60_000 }, NEVER, () => Promise.reject(error)),
  )
  t.is(failure as unknown as PycdsError, error)
})

test('an interruption is no matter of time', async (t) => {
  const controller = new AbortController()
  const interrupted = new PycdsError('INTERRUPTED', { message: 'interrupted', hint: 'Run it again.' })
  const error = await t.throwsAsync(
    withinLimit({ ...LIMIT, ms: 60_000 }, controller.signal, async (signal) => {
      controller.abort(interrupted)
      signal.throwIfAborted()
    }),
  )
  t.is(error as unknown as PycdsError, interrupted)
})

test('nothing of work that has ended is held by what would have interrupted it', async (t) => {
  const controller = new AbortController()
  for (const limit of [undefined, { ...LIMIT, ms: 60_000 }]) {
    await withinLimit(limit, controller.signal, async (signal) => {
      signal.addEventListener('abort', () => {})
    })
  }
  t.is(getEventListeners(controller.signal, 'abort').length, 0)
})
