// SPDX-License-Identifier: Apache-2.0
// An image is whole without what can only be made from it: what goes wrong with that is a sentence in the result.
import test from 'ava'
import { type CompletionInput, complete, notTried } from '../../../src/artifact/complete.js'
import type { MadeContent } from '../../../src/artifact/content.js'
import { type ErrorCode, PycdsError } from '../../../src/errors/index.js'
import type { PythonGroup } from '../../../src/learn/select/interpreter.js'
import { createProgress } from '../../../src/log/index.js'
import type { ModuleCode, RunPorts } from '../../../src/ports/index.js'

const LIBRARY = '/usr/lib/python3.12'

function failure(code: ErrorCode): PycdsError {
  return new PycdsError(code, {
    message: 'container abc: the engine could not start it',
    hint: 'See its log.',
  })
}

/** Everything is at hand but an engine that makes containers. */
function portsThat(fail: Error): RunPorts {
  const ports = {
    engine: { create: () => Promise.reject(fail) },
    archiver: { freezer: () => ({ freeze: Buffer.from('library'), watch: Buffer.from('watch') }) },
    progress: createProgress('quiet', { stream: process.stderr, appOutput: 'hide', env: {} }),
    signal: new AbortController().signal,
  }
  return ports as Partial<Record<keyof RunPorts, unknown>> as RunPorts
}

function input(version = '3.12.1'): CompletionInput {
  const module = { name: 'json', origin: `${LIBRARY}/json.py` } as Partial<ModuleCode> as ModuleCode
  const started = {
    ...{
      argv: ['/usr/bin/python3', '-m', 'app'],
      noSite: false,
      siteDirectories: [`${LIBRARY}/site-packages`],
    },
    ...{ earlier: [], extensions: [], held: [], modules: [module], variables: [] },
    python: { launcher: '/usr/bin/python3', executable: '/usr/bin/python3.12' },
  }
  const python = { processes: [started], python: { version } } as unknown as PythonGroup
  return {
    ...{
      python,
      selection: { modules: [module], leftOut: [] },
      spec: { preload: undefined },
      architecture: 'x64',
    },
    ...{ image: 'sha256:1', place: '/opt/pycds', mtime: new Date(0), timeoutMs: 1000 },
    snapshot: { cpu: 'v3', include: [], exclude: [], launch: 'hook' },
  } as CompletionInput
}

const content = { summaries: () => ({ snapshot: null }) } as Partial<
  Record<keyof MadeContent, unknown>
> as MadeContent

for (const code of ['ENGINE_FAILED', 'ENGINE_UNREACHABLE', 'NO_SPACE', 'TRAINING_TIMEOUT'] as const) {
  test(`an image has its archive alone where ${code} befalls the freezing, and its result says why`, async (t) => {
    const made = await complete(content, input(), portsThat(failure(code)))
    t.false('prove' in made)
    const { snapshot } = (made as MadeContent).summaries('/opt/pycds')
    t.like(snapshot, { path: null, modules: 0, thaws: null })
    t.regex(snapshot?.reason ?? '', /container abc: the engine could not start it/)
  })
}

for (const version of ['3.9.2', '3.10.12', '3.14.2', '3.15.0a3']) {
  test(`of CPython ${version} nothing is frozen, and the result tells of which there are snapshots`, async (t) => {
    const made = await complete(content, input(version), portsThat(new TypeError('it was tried')))
    t.is(
      (made as MadeContent).summaries('/opt/pycds').snapshot?.reason,
      `snapshots are made of CPython 3.11 to 3.13, and this is ${version}`,
    )
  })
}

test('who interrupts a bake gets no image, and a bug is not hidden', async (t) => {
  await t.throwsAsync(complete(content, input(), portsThat(failure('INTERRUPTED'))), { code: 'INTERRUPTED' })
  await t.throwsAsync(complete(content, input(), portsThat(new TypeError('a bug'))), { message: 'a bug' })
  t.throws(() => notTried(failure('INTERNAL')), { code: 'INTERNAL' })
  t.regex(notTried(failure('ENGINE_FAILED')), /^it could not be tried: container abc/)
})
