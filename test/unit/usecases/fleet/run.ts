// SPDX-License-Identifier: Apache-2.0
import test from 'ava'
import { PycdsError } from '../../../../src/errors/index.js'
import {
  bakeAll,
  type FleetOptions,
  type ImageOutcome,
  type Journal,
  type Made,
  type NamedWork,
} from '../../../../src/usecases/fleet/index.js'

const MADE: Made = {
  schema: 'io.pycds.unchanged/1',
  source: { reference: 'a', id: 'sha256:1' },
  output: { reference: 'a-cds', id: 'sha256:2', configDigest: 'sha256:2', manifestDigest: null },
  key: 'sha256:3',
}
const silent = { update() {}, done() {}, fail() {} }
const progress = { step: () => silent, warn() {}, appOutput() {} }

function options(more: Partial<FleetOptions> = {}): FleetOptions {
  const signal = new AbortController().signal
  return { jobs: 1, hasRoom: () => true, journal: undefined, progress, signal, ...more }
}

/** A gate that somebody else opens, and whether anybody waits at it. */
function gate() {
  let open = () => {}
  const opened = new Promise<void>((resolve) => {
    open = resolve
  })
  return { opened, open: () => open() }
}

class Notes implements Journal {
  readonly written: ImageOutcome[] = []
  readonly #before: readonly ImageOutcome[]

  constructor(before: readonly ImageOutcome[] = []) {
    this.#before = before
  }

  async read(name: string): Promise<ImageOutcome | undefined> {
    return this.#before.find((one) => one.name === name)
  }

  async write(outcome: ImageOutcome): Promise<void> {
    this.written.push(outcome)
  }
}

const fails = (name: string, error: unknown): NamedWork => ({ name, work: () => Promise.reject(error) })
const makes = (name: string): NamedWork => ({ name, work: async () => MADE })

test('an image that fails stops no other, whatever it fails of', async (t) => {
  const journal = new Notes()
  const gone = new PycdsError('IMAGE_NOT_FOUND', { message: 'a: gone', hint: 'Build it.' })
  const images = [fails('a', gone), makes('b'), fails('c', new TypeError('a bug')), makes('d')]
  const outcomes = await bakeAll(images, options({ journal }))
  t.deepEqual(
    outcomes.map(({ name, state, error }) => [name, state, error?.exitCode]),
    [
      ['a', 'failed', 7],
      ['b', 'unchanged', undefined],
      ['c', 'failed', 70],
      ['d', 'unchanged', undefined],
    ],
  )
  t.deepEqual(journal.written, outcomes)
})

test('what fails is told under its name, which is not told twice', async (t) => {
  const told: string[] = []
  const step = () => ({ ...silent, fail: (text: string) => void told.push(text) })
  const images = ['image a: it is gone', 'a: it is gone', 'base of a: it is gone'].map((message) => ({
    name: 'a',
    work: async () => {
      throw new PycdsError('IMAGE_NOT_FOUND', { message, hint: 'Build it.' })
    },
  }))
  const outcomes = await bakeAll(images, options({ progress: { ...progress, step } }))
  t.deepEqual(told, ['a: it is gone', 'a: it is gone', 'a: base of a: it is gone'])
  t.is(outcomes[0]?.error?.message, 'image a: it is gone')
})

test('no more run at once than were asked for, and their order is kept', async (t) => {
  let running = 0
  let most = 0
  const gates = [gate(), gate(), gate(), gate()]
  const images = gates.map(({ opened }, at) => ({
    name: String(at),
    async work() {
      running += 1
      most = Math.max(most, running)
      await opened
      running -= 1
      return MADE
    },
  }))
  const done = bakeAll(images, options({ jobs: 2 }))
  for (const one of [...gates].reverse()) one.open()
  t.deepEqual(
    (await done).map(({ name }) => name),
    ['0', '1', '2', '3'],
  )
  t.is(most, 2)
})

test('without memory for another one, one runs at a time', async (t) => {
  let running = 0
  const images = ['a', 'b', 'c'].map((name) => ({
    name,
    async work() {
      running += 1
      t.is(running, 1)
      await Promise.resolve()
      running -= 1
      return MADE
    },
  }))
  t.is((await bakeAll(images, options({ jobs: 3, hasRoom: () => false }))).length, 3)
})

test('what an earlier run has baked is told as it was, and not written again', async (t) => {
  const before: ImageOutcome = {
    ...{ name: 'a', state: 'baked', key: 'sha256:3', seconds: 12, result: MADE, error: null },
  }
  const journal = new Notes([before])
  const [outcome] = await bakeAll(
    [{ name: 'a', work: async (task) => (task.before?.key === 'sha256:3' ? undefined : MADE) }],
    options({ journal }),
  )
  t.deepEqual(outcome, { ...before, state: 'unchanged' })
  t.deepEqual(journal.written, [])
})

test('an interruption begins nothing more, waits for what runs, and is the failure', async (t) => {
  const controller = new AbortController()
  const interrupted = new PycdsError('INTERRUPTED', { message: 'interrupted', hint: 'Run it again.' })
  let cleaned = false
  const images: NamedWork[] = [
    makes('done'),
    {
      name: 'at work',
      async work({ signal }) {
        controller.abort(interrupted)
        await Promise.resolve()
        cleaned = true
        throw signal.reason
      },
    },
    { name: 'later', work: () => t.fail('begun after the interruption') as never },
  ]
  const journal = new Notes()
  const error = await t.throwsAsync(bakeAll(images, options({ journal, signal: controller.signal })))
  t.is(error as unknown as PycdsError, interrupted)
  t.true(cleaned)
  t.deepEqual(
    journal.written.map(({ name }) => name),
    ['done'],
  )
})

test('results that cannot be kept end the run', async (t) => {
  const journal: Journal = {
    read: async () => undefined,
    write: () => Promise.reject(new PycdsError('NO_SPACE', { message: 'full', hint: 'Make room.' })),
  }
  const error = await t.throwsAsync(bakeAll([makes('a'), makes('b')], options({ journal })))
  t.is((error as unknown as PycdsError).code, 'NO_SPACE')
})
