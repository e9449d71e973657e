// SPDX-License-Identifier: Apache-2.0
import test from 'ava'
import { Inside } from '../../../../src/learn/run/inside.js'
import { automaticReady, type ReadySpec } from '../../../../src/learn/run/ready.js'
import { type WatchOptions, watch } from '../../../../src/learn/run/watch.js'
import { type FakeContainer, fakeContainer } from '../../../helpers/fake-container.js'
import { sampleConfig } from '../../../helpers/image.js'

const limits = (timeoutMs: number) => ({ timeoutMs, stopGraceSeconds: 0 })

function run(container: FakeContainer, specs: ReadySpec[], more: Partial<WatchOptions> = {}) {
  return watch(container, {
    ready: { specs },
    limits: limits(10_000),
    signal: new AbortController().signal,
    activity: async () => 1,
    inside: new Inside(container, '/probe', undefined),
    ...more,
  })
}

/** Answers what is asked of the probe by its first word. */
function service(answers: Record<string, () => number | string>) {
  const asked: string[] = []
  const container = fakeContainer(({ command: [, verb = ''] }) => {
    asked.push(verb)
    const answer = answers[verb]?.() ?? 0
    return typeof answer === 'number' ? { exitCode: answer, output: '' } : { exitCode: 0, output: answer }
  })
  const count = (verb: string) => asked.filter((word) => word === verb).length
  return { container, count }
}

test('a port whose connections are accepted ends the run once imports have settled', async (t) => {
  const { container, count } = service({
    port: () => (count('port') < 3 ? 1 : 0),
    accept: () => (count('accept') < 2 ? 2 : 0),
  })
  const { by, exitCode, failure } = await run(container, [{ kind: 'port', port: 8000 }])
  t.is(by, 'port')
  t.is(exitCode, null)
  t.is(failure, undefined)
  t.is(count('port'), 4)
  t.is(count('accept'), 2)
  t.deepEqual(container.calls, ['stop'])
})

test('a port whose connections nobody accepts is named as open', async (t) => {
  const { container } = service({ accept: () => 2 })
  const { failure } = await run(container, [{ kind: 'port', port: 8000 }], { limits: limits(600) })
  t.regex(failure?.message ?? '', /port:8000: it is listened on, but no connection to it was accepted/)
})

test('an open port whose connections nobody accepts is waited for longer than one that is not open', async (t) => {
  const { container, count } = service({ accept: () => (count('accept') < 6 ? 2 : 0) })
  const ready = { specs: [{ kind: 'port', port: 80 }] as const, fallbackQuietMs: 300 }
  const { by, warnings } = await run(container, [], { ready })
  t.is(by, 'port')
  t.deepEqual(warnings, [])
})

test('what is ready and computes goes on', async (t) => {
  let ticks = 0
  const { container, count } = service({
    cpu: () => {
      // A whole processor for the first looks, none afterwards.
      if (count('cpu') < 4) ticks += 1000
      return String(ticks)
    },
  })
  const { by, warnings } = await run(container, [{ kind: 'port', port: 80 }])
  t.is(by, 'port')
  t.deepEqual(warnings, [])
  t.true(count('cpu') >= 4)
})

test('a guess waits for what computes, for its imports may only take long', async (t) => {
  let [imports, ticks] = [1, 0]
  const { container, count } = service({
    cpu: () => {
      // On a processor, or waiting for one, until after the next import.
      if (count('cpu') < 5) ticks += 1000
      if (count('cpu') > 2) imports = 2
      return String(ticks)
    },
  })
  const specs = [{ kind: 'exit' }, { kind: 'quiet', ms: 200 }] as const
  const { by, activity } = await run(container, [], {
    ready: { specs, isGuess: true },
    activity: async () => imports,
  })
  t.is(by, 'quiet')
  t.is(activity, 2)
})

test('a program that falls quiet where nobody says how to tell that it is up is a guess', async (t) => {
  const plan = { specs: [{ kind: 'exit' }, { kind: 'quiet', ms: 200 }] as const }
  const guess = await run(fakeContainer(), [], { ready: { ...plan, isGuess: true } })
  t.regex(guess.warnings.join(), /still running when it had imported nothing for 0\.2 s.*neither a port nor/)
  const unknown = await run(fakeContainer(), [], { ready: { ...plan, isGuess: true, isUnknown: true } })
  t.regex(unknown.warnings.join(), /a build does not know the port or the HEALTHCHECK.*--ready port:8080/)
  t.deepEqual((await run(fakeContainer(), [], { ready: plan })).warnings, [])
})

test('a port that never opens is named when the time is over', async (t) => {
  const container = fakeContainer(() => ({ exitCode: 1, output: '' }))
  const { failure } = await run(container, [{ kind: 'port', port: 8000 }], { limits: limits(300) })
  t.is(failure?.code, 'TRAINING_TIMEOUT')
  t.regex(failure?.message ?? '', /not ready after 0\.3 s: port:8000: nobody listens/)
})

test('an answer below 400 is ready, any other is told', async (t) => {
  const answer = (line: string) => fakeContainer(() => ({ exitCode: 0, output: `${line}\n` }))
  const spec: ReadySpec = { kind: 'http', port: 80, path: '/' }
  t.is((await run(answer('HTTP/1.1 302 Found'), [spec])).by, 'http')
  const { failure } = await run(answer('HTTP/1.1 503 Down'), [spec], { limits: limits(300) })
  t.regex(failure?.message ?? '', /http:80\/: HTTP\/1\.1 503 Down/)
})

test('a health check that flaps is not health', async (t) => {
  let asked = 0
  const container = fakeContainer(() => {
    asked += 1
    return { exitCode: asked % 2, output: '' }
  })
  const { failure } = await run(container, [{ kind: 'health' }], { limits: limits(1500), health: ['check'] })
  t.regex(failure?.message ?? '', /health: it passed \d+ of \d+ times, never 2 times in a row/)
})

test('a program that fails is told with its last line', async (t) => {
  const container = fakeContainer(() => ({ exitCode: 3, output: 'one\nno database\n' }))
  const { failure } = await run(container, [{ kind: 'cmd', command: ['x'] }], { limits: limits(300) })
  t.regex(failure?.message ?? '', /cmd:x: exit code 3: no database/)
})

test('a line of either output is ready, also in pieces and without its end', async (t) => {
  const container = fakeContainer()
  const watched = run(container, [{ kind: 'log', pattern: /^ready$/g }])
  setImmediate(() => {
    container.print('not ready\nrea', 'stderr')
    container.print('dy', 'stderr')
  })
  t.is((await watched).by, 'log')
})

test('a line that never comes is told', async (t) => {
  const container = fakeContainer()
  const { failure } = await run(container, [{ kind: 'log', pattern: /up/ }], { limits: limits(300) })
  t.regex(failure?.message ?? '', /no line of its output matched \/up\//)
})

test('the first of several conditions ends the run', async (t) => {
  const container = fakeContainer(() => ({ exitCode: 1, output: '' }))
  const specs: ReadySpec[] = [
    { kind: 'port', port: 1 },
    { kind: 'timer', ms: 200 },
  ]
  t.is((await run(container, specs)).by, 'timer')
})

test('a container that ends before it was ready ends the run at once', async (t) => {
  const container = fakeContainer(() => ({ exitCode: 1, output: '' }))
  const watched = run(container, [{ kind: 'port', port: 8000 }])
  container.end(0)
  const { failure, by, seconds } = await watched
  t.is(failure?.code, 'TRAINING_FAILED')
  t.regex(failure?.message ?? '', /ended with exit code 0 before it was ready: port:8000/)
  t.is(by, undefined)
  t.true(seconds < 5)
})

test('what nobody asked for is given up when it stays quiet, with a warning', async (t) => {
  const container = fakeContainer(() => ({ exitCode: 1, output: '' }))
  const ready = { specs: [{ kind: 'port', port: 80 }] as const, fallbackQuietMs: 300 }
  const { by, warnings } = await run(container, [], { ready })
  t.is(by, 'quiet')
  t.regex(warnings[0] ?? '', /port:80: (nobody listens|not looked at yet); the run was ended after 0\.3 s/)
})

test('the hook of readiness runs once, while the container still runs', async (t) => {
  const container = fakeContainer()
  const whenReady = async () => {
    t.deepEqual(container.calls, [])
    container.calls.push('ready')
  }
  await run(container, [{ kind: 'timer', ms: 100 }], { whenReady })
  t.deepEqual(container.calls, ['ready', 'stop'])
})

test('an engine that fails while looking ends the run', async (t) => {
  const container = fakeContainer(() => Promise.reject(new Error('lost')))
  await t.throwsAsync(run(container, [{ kind: 'port', port: 80 }]), { message: 'lost' })
})

const SHELL = ['/bin/sh', '-c', 'curl -f http://localhost/ || exit 1']
const says = (output: string, exitCode = 1) => fakeContainer(() => ({ exitCode, output }))

for (const [shell, output] of [
  ['dash', '/bin/sh: 1: curl: not found\n'],
  ['bash', 'bash: line 1: curl: command not found\n'],
  ['busybox', 'sh: curl: not found\n'],
] as const) {
  test(`a health check whose program is missing is told at once, by ${shell}`, async (t) => {
    const more = { limits: limits(60_000), health: SHELL }
    const { failure, seconds } = await run(says(output), [{ kind: 'health' }], more)
    t.is(failure?.code, 'TRAINING_FAILED')
    t.regex(failure?.message ?? '', /health: there is no curl in the image/)
    t.true(seconds < 30)
  })
}

test('the same for a program that is started without a shell, of the image or of --ready', async (t) => {
  const health = { limits: limits(60_000), health: ['curl', '-f', 'http://localhost/'] }
  const missing = 'exec: "curl": executable file not found in $PATH'
  const first = await run(says(missing, 127), [{ kind: 'health' }], health)
  t.regex(first.failure?.message ?? '', /there is no curl in the image/)
  const second = await run(says('', 127), [{ kind: 'cmd', command: ['check'] }], { limits: limits(60_000) })
  t.regex(second.failure?.message ?? '', /cmd:check: there is no check in the image/)
})

test('where nobody asked for health, ports or quiet take its place', async (t) => {
  const config = { config: { Healthcheck: { Test: ['CMD', 'curl'] }, ExposedPorts: { '80/tcp': {} } } }
  const ready = automaticReady({ ...sampleConfig(), ...config })
  const container = fakeContainer(({ command }) =>
    command[0] === 'curl' ? { exitCode: 127, output: '' } : { exitCode: 0, output: '' },
  )
  const { by, warnings } = await run(container, [], { ready, health: ['curl'] })
  t.is(by, 'port')
  t.deepEqual(warnings, ['health: there is no curl in the image; the run waited for exit, port:80 instead'])
})

test('a line that can pass in another way is looked at again', async (t) => {
  for (const line of ['wget -q x || curl -sf x', 'wget -q x; curl -sf x']) {
    let asked = 0
    const container = fakeContainer(() => {
      asked += 1
      return { exitCode: asked < 8 ? 1 : 0, output: 'sh: wget: not found\n' }
    })
    t.is((await run(container, [{ kind: 'health' }], { health: ['/bin/sh', '-c', line] })).by, 'health')
  }
})

test('a program that comes while the run goes on is waited for', async (t) => {
  let asked = 0
  const container = fakeContainer(() => {
    asked += 1
    return { exitCode: asked < 3 ? 127 : 0, output: '' }
  })
  t.is((await run(container, [{ kind: 'health' }], { health: ['check'] })).by, 'health')
})
