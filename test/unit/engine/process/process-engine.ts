// SPDX-License-Identifier: Apache-2.0
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import test, { type ExecutionContext } from 'ava'
import type { ContainerSpec } from '../../../../src/bake/ports.js'
import { ProcessEngine } from '../../../../src/engine/process/index.js'

const DEADLINE_MS = 10_000

function engine(t: ExecutionContext, environment: Record<string, string> = {}): ProcessEngine {
  const made = new ProcessEngine({
    environment: { PATH: process.env.PATH ?? '', ...environment },
    changes: () => [],
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

/** A zombie has ended, whoever has not waited for it. */
function isRunning(pid: string): boolean {
  return existsSync(`/proc/${pid}/stat`) && !/\) Z /.test(readFileSync(`/proc/${pid}/stat`, 'latin1'))
}
