// SPDX-License-Identifier: Apache-2.0
import test from 'ava'
import { thawOften } from '../../../../src/artifact/snapshot/thaws.js'
import type { ContainerSpec, Engine, ExecResult, ExecSpec } from '../../../../src/ports/index.js'
import { fakeContainer } from '../../../helpers/fake-container.js'

const REST = 'ns of the processor; not imported:'
const OVER = `the trial took 9000000 ${REST}`
const FROM_ARCHIVE = `the trial took 90000000 ${REST}`
const THAWED = 'pycds[26]: snapshot thawed in 2.1 ms\n'

type Answer = string | ExecResult | (() => string)

/** @param answer of starts with the snapshot; without it everything can be imported, in 90 ms. */
function thaw(answer: Answer, timeoutMs = 120_000, asOwn = answer) {
  const exec = ({ env }: ExecSpec): ExecResult => {
    if (env?.PYCDS === 'off' || env?.PYCDS_SNAPSHOT === 'off')
      return { exitCode: 0, output: `\n${FROM_ARCHIVE} \n` }
    const given = typeof answer === 'function' ? answer() : answer
    return typeof given === 'string' ? { exitCode: 0, output: given } : given
  }
  const execAsOwn = (spec: ExecSpec): ExecResult => {
    const isPlain = spec.env?.PYCDS === 'off' || spec.env?.PYCDS_SNAPSHOT === 'off'
    return isPlain || typeof asOwn !== 'string' ? exec(spec) : { exitCode: 0, output: asOwn }
  }
  const engine = {
    create: async ({ user }: ContainerSpec) => fakeContainer(user === undefined ? execAsOwn : exec),
    remove: async () => undefined,
  } as unknown as Engine
  const room = { image: 'app', python: '/usr/bin/python3', signal: new AbortController().signal }
  return thawOften(engine, {
    room,
    starts: 2,
    compared: 2,
    options: [],
    environment: {},
    imports: ['flask'],
    timeoutMs,
  })
}

test('lines of the log in the midst of the answer change nothing', async (t) => {
  const missed = 'pycds[26]: missed encodings.aliases BEFORE_HOOK\n'
  for (const output of [
    `${THAWED}\n${OVER} \n`,
    `${THAWED}\n${OVER}${missed} \n`,
    `half a line ${THAWED}${missed}\nthe trial took 90${missed}00000 ns of the processor; not imported: \n`,
  ])
    t.like(await thaw(output), { starts: 2, milliseconds: 2.1 }, output)
})

test('what was not imported is told without the words of the trial', async (t) => {
  t.deepEqual(await thaw(`${THAWED}\n${OVER} flask (ImportError)\n`), {
    sentence:
      'start 1 of 2 of its Python in a hardened container, as user 12345, could not import flask (ImportError), and without the snapshot nothing: leave the module at fault out (--snapshot-exclude)',
    refusal: undefined,
  })
})

test('a start that ends otherwise, or takes too long, is told with what to do', async (t) => {
  t.like(await thaw({ exitCode: 1, output: `${THAWED}Error: no\npycds[26]: served shop\n` }), {
    sentence:
      'start 1 of 2 of its Python in a hardened container, as user 12345, ended with exit code 1: Error: no, which it does not without the snapshot: leave the module at fault out (--snapshot-exclude)',
  })
  t.like(await thaw({ exitCode: null, output: 'it did not end within 120 s' }), {
    sentence:
      'start 1 of 2 of its Python in a hardened container, as user 12345, did not end within 120 s: give it more time (--timeout 4m), or use a quieter machine',
  })
})

test('what starts gain is told, and a snapshot that gains nothing is not relied on', async (t) => {
  const took = (nanoseconds: number) => `${THAWED}\nthe trial took ${nanoseconds} ${REST} \n`
  t.like(await thaw(took(4_500_000)), { processor: { snapshot: 4.5, archive: 90 } })
  t.like(await thaw(took(91_000_000)), {
    sentence:
      'what the application imports takes 91 ms of the processor with it and 90 ms from the archive alone, less than a tenth saved: this image needs none',
  })
  // As another user, who has another HOME.
  t.like(await thaw(took(91_000_000), 120_000, took(4_500_000)), {
    user: '12345',
    processor: { snapshot: 4.5, archive: 90 },
  })
})

test('an address that is taken once is bad luck, and twice a reason', async (t) => {
  const taken = `pycds[26]: snapshot ADDRESS_TAKEN\n\n${OVER} \n`
  const answers = (...given: string[]) => {
    return () => given.shift() ?? `${THAWED}\n${OVER} \n`
  }
  t.like(await thaw(answers(taken)), { starts: 2 })
  const twice = await thaw(answers(taken, taken))
  t.regex(
    'sentence' in twice ? twice.sentence : '',
    /did not use the snapshot: ADDRESS_TAKEN: an address that the snapshot needs is taken$/,
  )
})
