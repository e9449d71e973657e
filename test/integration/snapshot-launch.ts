// SPDX-License-Identifier: Apache-2.0
// An image whose entrypoint goes on in its snapshot at once.
import test, { type ExecutionContext } from 'ava'
import { build, buildKitClient, CLASSIC } from '../helpers/builds.js'
import { bakes, pycds, verifies } from '../helpers/cli.js'
import { docker, imageName } from '../helpers/engine.js'
import { ensureImage, toolImage } from '../helpers/images.js'
import { DEADLINE_MS, run } from '../helpers/run.js'
import { HARDENED } from '../helpers/snapshot-image.js'
import { temporary } from '../helpers/temporary.js'

const base = process.arch === 'x64' ? await ensureImage('minimal') : undefined
const withBase = base === undefined ? test.skip : test
const tool = base === undefined ? undefined : await toolImage()
const client = await buildKitClient()
const withTool = tool === undefined ? test.skip : test

const START = '/opt/pycds/start'
const APP = [
  'import asyncio, unittest.mock, email.message, xml.dom.minidom, multiprocessing, os, sys',
  'print(sys.argv, sys.orig_argv[1:], os.getpid(), os.getuid(), open("/proc/self/cmdline").read())',
  'sys.exit(3 if "fail" in sys.argv else 0)',
]

async function entrypointOf(image: string): Promise<unknown> {
  return JSON.parse(await docker('image', 'inspect', '--format', '{{json .Config.Entrypoint}}', image))
}

async function image(t: ExecutionContext, ...instructions: string[]): Promise<string> {
  const name = imageName(t)
  const lines = [`FROM ${base}`, 'WORKDIR /srv', 'COPY app.py ./', ...instructions]
  const files = { 'app.py': `${APP.join('\n')}\n`, Dockerfile: `${lines.join('\n')}\n` }
  await docker('build', '--quiet', '--network', 'none', '-t', name, temporary(t, files))
  return name
}

const start = (of: string, words: string[] = [], options: string[] = []) =>
  run('docker', ['run', '--rm', '--env', 'PYCDS_LOG=1', ...options, of, ...words])

withBase('the entrypoint goes on in the snapshot at once, and everything else is started', async (t) => {
  t.timeout(DEADLINE_MS)
  const plain = await image(t, 'ENTRYPOINT ["python3", "app.py"]', 'CMD ["one"]')
  const name = imageName(t)
  const words = [plain, '-t', name, '--snapshot', '--snapshot-launch', 'entrypoint']
  const { snapshot } = await bakes(t, words)
  t.like(snapshot, { reason: null, launch: { by: 'entrypoint', reason: null } })
  t.deepEqual(await entrypointOf(name), [START, 'python3', 'app.py'])

  for (const options of [[], [...HARDENED]]) {
    for (const more of [[], ['two', 'fail']]) {
      const before = await start(plain, more, options)
      const after = await start(name, more, options)
      t.deepEqual([after.code, after.stdout], [before.code, before.stdout])
      t.regex(after.stderr, /^pycds\[1\]: snapshot thawed at once in/m)
    }
  }
  const other = await start(name, ['-c', 'print(5)'], ['--entrypoint', 'python3'])
  t.is(other.stdout, '5\n')
  const off = await start(name, [], ['--env', 'PYCDS_SNAPSHOT=off'])
  t.is(off.code, 0)
  t.regex(off.stderr, /^pycds\[1\]: not at once: OFF$/m)
  const { scenarios } = await verifies(t, name, 80)
  for (const { snapshot: thawed } of scenarios) t.like(thawed, { atOnce: 1, notAtOnce: null })
  const doctor = await pycds(['doctor', name])
  t.regex(doctor.stdout, /starts python3 app\.py one/)

  // A later bake takes it off again.
  const again = imageName(t)
  await bakes(t, [name, '-t', again])
  t.deepEqual(await entrypointOf(again), ['python3', 'app.py'])
})

withBase('arguments of the training run stand behind the words of the entrypoint', async (t) => {
  t.timeout(2 * DEADLINE_MS)
  const plain = await image(t, 'ENTRYPOINT ["python3", "app.py"]', 'CMD ["one"]')
  const bake = async (...command: string[]) => {
    const words = [
      plain,
      '-t',
      imageName(t),
      '--snapshot',
      '--snapshot-launch',
      'entrypoint',
      '--',
      ...command,
    ]
    return (await bakes(t, words)).snapshot?.launch
  }
  t.like(await bake('python3', 'app.py', 'two'), { by: 'entrypoint', reason: null })
  t.regex(
    (await bake('python3', '-m', 'app'))?.reason ?? '',
    /another command than the entrypoint: begin it with python3 app\.py$/,
  )
})

withBase('where a shell comes first the hook serves its Python, and the bake says so', async (t) => {
  t.timeout(DEADLINE_MS)
  const plain = await image(t, 'CMD python3 app.py')
  const name = imageName(t)
  const words = [plain, '-t', name, '--snapshot', '--snapshot-launch', 'entrypoint']
  const { snapshot } = await bakes(t, words)
  t.like(snapshot, { reason: null, launch: { by: 'hook' } })
  t.regex(snapshot?.launch?.reason ?? '', /^ENTRYPOINT: /)
  t.is(await entrypointOf(name), null)
  const started = await start(name)
  t.is(started.code, 0)
  t.regex(started.stderr, /: snapshot thawed in/m)
})

withTool(
  'generate writes the entrypoint, which starts whether a snapshot comes of the build or not',
  async (t) => {
    t.timeout(DEADLINE_MS)
    const plain = await image(t, 'ENTRYPOINT ["python3", "app.py"]', 'CMD ["one"]')
    const before = await start(plain)
    const words = ['generate', plain, '--tool', tool ?? '', '--snapshot', '--snapshot-launch', 'entrypoint']
    const builder = client ?? CLASSIC
    for (const [more, says] of [
      [[], /^pycds\[1\]: snapshot thawed at once in/m],
      [['--snapshot-exclude', '*'], /^pycds\[1\]: not at once: MISSING$/m],
    ] as const) {
      const { code, stdout, stderr } = await pycds([
        ...words,
        '--builder',
        builder.buildKit ? 'buildkit' : 'classic',
        ...more,
      ])
      t.is(code, 0, stderr)
      const built = await build(t, builder, stdout)
      t.is(built.code, 0, built.stdout + built.stderr)
      t.deepEqual(await entrypointOf(built.name), [START, 'python3', 'app.py'])
      const after = await start(built.name)
      t.deepEqual([after.code, after.stdout], [before.code, before.stdout])
      t.regex(after.stderr, says)
    }
  },
)

withTool('a step that may leave the image without the program does not begin', async (t) => {
  const words = [
    'step',
    '--snapshot',
    '--snapshot-launch',
    'entrypoint',
    '--on-failure',
    'skip',
    '--',
    'python3',
  ]
  const { code, stderr } = await pycds(words)
  t.is(code, 2)
  t.regex(stderr, /--on-failure skip: where the step fails/)
})
