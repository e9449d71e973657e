// SPDX-License-Identifier: Apache-2.0
import { chmodSync, chownSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import test, { type ExecutionContext } from 'ava'
import { ProcessEngine, type ProcessEngineOptions } from '../../../../src/engine/process/index.js'
import type { ContainerSpec } from '../../../../src/ports/index.js'

const DEADLINE_MS = 10_000

function engine(
  t: ExecutionContext,
  environment: Record<string, string> = {},
  user?: ProcessEngineOptions['user'],
): ProcessEngine {
  const made = new ProcessEngine({
    environment: { PATH: process.env.PATH ?? '', ...environment },
    changes: async () => new Set(),
    ...(user ? { user } : {}),
  })
  t.teardown(() => made.removeAll())
  return made
}

const spec = (command: string[], more: Partial<ContainerSpec> = {}): ContainerSpec => {
  return { image: 'x', command, env: {}, network: 'none', files: [], ...more }
}

async function output(made: ProcessEngine, of: ContainerSpec) {
  const container = await made.create(of)
  let text = ''
  await container.start((_, chunk) => {
    text += chunk.toString()
  })
  const { exitCode } = await container.wait()
  return { container, text, exitCode }
}

test('a command runs with the environment that the image has, changed as asked', async (t) => {
  const made = engine(t, { A: 'image', B: 'image', C: 'image' })
  const command = ['sh', '-c', 'echo "$A $B $C $PYTHONDONTWRITEBYTECODE"; exit 3']
  const { text, exitCode } = await output(made, spec(command, { env: { A: 'run' }, unsetEnv: ['B'] }))
  t.is(text, 'run  image 1\n')
  t.is(exitCode, 3)
})

test('a signal is an exit code, as a shell has it', async (t) => {
  t.is((await output(engine(t), spec(['sh', '-c', 'kill -9 $$']))).exitCode, 137)
})

test('files lie where they belong before the start', async (t) => {
  const root = mkdtempSync(join(tmpdir(), 'pycds-test-'))
  t.teardown(() => rmSync(root, { recursive: true, force: true }))
  const owner = { uid: 0, gid: 0, mtime: new Date(0) }
  const name = `${root.slice(1)}/a`
  const files = [
    { ...owner, name, type: 'directory', mode: 0o1777 },
    { ...owner, name: `${name}/b`, type: 'file', mode: 0o666, body: Buffer.from('x') },
  ] as const
  const { container } = await output(engine(t), spec(['true'], { files }))
  t.is((await container.lstat(`${root}/a`))?.mode, 0o1777)
  t.deepEqual(await container.readTree(`${root}/a`), new Map([['b', Buffer.from('x')]]))
  t.is(await container.readFile(`${root}/none`), undefined)
})

test('a command that is missing is told apart from one that may not run', async (t) => {
  const start = async (program: string) => (await engine(t).create(spec([program]))).start()
  await t.throwsAsync(start('python9'), { code: 'NO_PYTHON', message: /no such program/ })
  await t.throwsAsync(start('pycds-no-such-program'), { code: 'TRAINING_FAILED' })
  await t.throwsAsync(start('/etc/passwd'), { code: 'TRAINING_FAILED', message: /may not execute/ })
  await t.throwsAsync(engine(t).create(spec([])), { code: 'USAGE', message: /no command/ })
})

test('removing a run ends what it left behind, also what left its process group', async (t) => {
  const made = engine(t)
  const command = ['sh', '-c', 'setsid sleep 1000 & echo $!; exec sleep 1000']
  const container = await made.create(spec(command))
  const pid = await new Promise<string>((resolve) => {
    container.start((_, chunk) => resolve(chunk.toString().trim()))
  })
  await made.remove(container)
  const end = Date.now() + DEADLINE_MS
  while (isRunning(pid) && Date.now() < end) await new Promise((resolve) => setTimeout(resolve, 10))
  t.false(isRunning(pid))
  t.is((await container.wait()).exitCode, 137)
})

test('after the end nothing can be started any more', async (t) => {
  const made = engine(t)
  await made.removeAll()
  await t.throwsAsync(made.create(spec(['true'])), { code: 'INTERRUPTED' })
})

// A user and a group that nobody has.
const DATA = 64123
const APP = { uid: 64122, gid: 64121, groups: [DATA], home: '/home/app' }
const asRoot = process.getuid?.() === 0 ? test : test.skip

/** A file that only members of a group may read. */
function secret(t: ExecutionContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'pycds-test-'))
  t.teardown(() => rmSync(folder, { recursive: true, force: true }))
  const file = join(folder, 'f')
  writeFileSync(file, 'opened\n')
  chmodSync(folder, 0o755)
  chmodSync(file, 0o640)
  chownSync(file, 0, DATA)
  return file
}

asRoot(
  'another user opens what only its further group may open, and has no group of who started it',
  async (t) => {
    const command = ['sh', '-c', 'cat "$1"; id -u; id -g; id -G; echo "$HOME $A"', 'sh', secret(t)]
    const { text, exitCode } = await output(engine(t, { A: 'image' }, APP), spec(command))
    t.is(text, `opened\n${APP.uid}\n${APP.gid}\n${APP.gid} ${DATA}\n/home/app image\n`)
    t.is(exitCode, 0)
  },
)

asRoot('without that group it may not', async (t) => {
  const made = engine(t, {}, { ...APP, groups: [] })
  t.is((await output(made, spec(['cat', secret(t)]))).exitCode, 1)
})

asRoot('what runs beside the command has the same user and groups', async (t) => {
  const container = await engine(t, {}, APP).create(spec(['sleep', '1000']))
  await container.start()
  const command = ['sh', '-c', 'cat "$1"; id -u', 'sh', secret(t)]
  const result = await container.exec({ command, timeoutMs: DEADLINE_MS })
  t.deepEqual(result, { exitCode: 0, output: `opened\n${APP.uid}\n` })
})

asRoot('signals reach the command of another user, and its end is told', async (t) => {
  const container = await engine(t, {}, APP).create(
    spec(['sh', '-c', 'trap "exit 5" TERM; echo up; sleep 1000 & wait']),
  )
  let isUp = () => {}
  const up = new Promise<void>((resolve) => {
    isUp = resolve
  })
  await container.start(() => isUp())
  await up
  await container.stop(DEADLINE_MS / 1000)
  t.is((await container.wait()).exitCode, 5)
})

asRoot('a command that another user cannot start is told as for any other', async (t) => {
  const start = async (program: string) =>
    (await engine(t, { PATH: '/usr/bin:/bin' }, APP).create(spec([program]))).start()
  await t.throwsAsync(start('python9'), { code: 'NO_PYTHON', message: /no such program/ })
  await t.throwsAsync(start('/etc/passwd'), { code: 'TRAINING_FAILED', message: /may not execute/ })
})

test('groups that cannot be set are an error, and nothing is run without them', async (t) => {
  // The kernel has no such id; without root no group can be set at all.
  const made = engine(t, {}, { ...APP, groups: [2 ** 32 - 1] })
  const container = await made.create(spec(['echo', 'ran']))
  let text = ''
  await t.throwsAsync(
    container.start((_, chunk) => {
      text += chunk.toString()
    }),
    { code: 'TRAINING_FAILED', message: /groups/ },
  )
  t.is(text, '')
  const result = await container.exec({ command: ['echo', 'ran'], timeoutMs: DEADLINE_MS })
  t.is(result.exitCode, null)
})

test('who runs the command already needs no right to choose a user', async (t) => {
  const self = {
    uid: process.getuid?.() ?? 0,
    gid: process.getgid?.() ?? 0,
    groups: process.getgroups?.() ?? [],
    home: '/h',
  }
  const { text } = await output(engine(t, {}, self), spec(['sh', '-c', 'echo "$HOME"']))
  t.is(text, '/h\n')
})

asRoot('root by its own name gets the groups that the image gives root', async (t) => {
  const self = { uid: 0, gid: process.getgid?.() ?? 0, groups: [64123], home: '/' }
  const { text } = await output(engine(t, {}, self), spec(['id', '-G']))
  t.true(text.split(/\s+/).includes('64123'), text)
})

test('a program that runs beside the command has a code for each way to end, and a limit of time', async (t) => {
  const container = await engine(t).create(spec(['sleep', '1000']))
  await container.start()
  const code = async (command: string[], timeoutMs = DEADLINE_MS) =>
    (await container.exec({ command, timeoutMs })).exitCode
  t.is(await code(['sh', '-c', 'exit 3']), 3)
  t.is(await code(['pycds-no-such-program']), 127)
  t.is(await code(['/etc/passwd']), 126)
  t.is(await code(['sleep', '1000'], 50), null)
})

/** A zombie has ended, whoever has not waited for it. */
function isRunning(pid: string): boolean {
  return existsSync(`/proc/${pid}/stat`) && !/\) Z /.test(readFileSync(`/proc/${pid}/stat`, 'latin1'))
}
