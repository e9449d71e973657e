import { type DockerFixture, engineTest } from '../helpers/docker.js'

const DEADLINE_MS = 30_000

async function running(docker: DockerFixture, changes: readonly string[] = []) {
  const container = await docker.engine.create({
    image: await docker.image([], changes),
    command: ['/bin/busybox', 'sleep', '600'],
    env: { A: 'container', B: 'container' },
    network: 'none',
    files: [],
  })
  await container.start()
  const sh = (script: string, extra: { env?: Record<string, string>; timeoutMs?: number } = {}) =>
    container.exec({ command: ['/bin/busybox', 'sh', '-c', script], timeoutMs: DEADLINE_MS, ...extra })
  return { container, sh }
}

engineTest('a program in a container gives its exit code and both of its outputs', async (t, docker) => {
  const { sh } = await running(docker)
  t.deepEqual(await sh('echo out; exit 3'), { exitCode: 3, output: 'out\n' })
  t.deepEqual(await sh('echo err >&2'), { exitCode: 0, output: 'err\n' })
  t.is((await sh('yes | head -c 300000')).output.length, 65536)
})

engineTest(
  'it has the user of the container, and its environment unless another one is given',
  async (t, docker) => {
    const { sh } = await running(docker, ['USER app', 'ENV A=image'])
    t.is((await sh('echo $A $B $(/bin/busybox id -u)')).output, 'container container 1000\n')
    t.is((await sh('echo $A $B', { env: { B: '' } })).output, 'container\n')
  },
)

engineTest(
  'a program that is not there, never ends, or loses its container is a result',
  async (t, docker) => {
    const { container, sh } = await running(docker)
    const missing = await container.exec({ command: ['no-such-program'], timeoutMs: DEADLINE_MS })
    t.is(missing.exitCode, 127)
    t.regex(missing.output, /no-such-program/)
    const slow = await sh('/bin/busybox sleep 600', { timeoutMs: 200 })
    t.is(slow.exitCode, null)
    t.regex(slow.output, /0\.2 s/)
    const killed = sh('echo started; /bin/busybox sleep 600')
    await container.stop(0)
    t.not((await killed).exitCode, 0)
    t.is((await sh('true')).exitCode, null)
  },
)
