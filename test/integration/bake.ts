// SPDX-License-Identifier: Apache-2.0
// Whole bakes of real images through the built command line: what they give, and how they fail.
import type { ChildProcess } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { setTimeout } from 'node:timers/promises'
import test, { type ExecutionContext } from 'ava'
import type { BakeResult } from '../../src/usecases/result.js'
import { baked, bakedAnew } from '../helpers/baked.js'
import { pycds, verifies } from '../helpers/cli.js'
import { docker, hasImage, imageName } from '../helpers/engine.js'
import { type BaseImage, type Example, ensureImage, exampleImage } from '../helpers/images.js'
import { leftInEngine } from '../helpers/leftovers.js'
import { Bench, readRunLogs } from '../helpers/python.js'
import { declareUnless } from '../helpers/repetition.js'
import { inRepository } from '../helpers/repository.js'
import { DEADLINE_MS, run } from '../helpers/run.js'
import { TIER } from '../helpers/tier.js'

const EXAMPLES: readonly Example[] = ['01-flask-service', '02-command-line-tool', '03-numpy-job']
const BASES: readonly BaseImage[] = ['bookworm', 'trixie', 'shared']
const CONFINED = ['--user', '12345', '--cap-drop', 'ALL', '--network', 'none']
const minimal = await ensureImage('minimal')
const withMinimal = minimal === undefined ? test.serial.skip : test.serial

/** Runs a bake that must fail, and checks that it leaves nothing. */
async function refuses(
  t: ExecutionContext,
  exitCode: number,
  expected: RegExp,
  [image = '', ...more]: readonly string[],
  env: NodeJS.ProcessEnv = {},
) {
  const name = imageName(t)
  const { code, stdout, stderr } = await pycds(['bake', image, '-t', name, '--json', ...more], { env })
  t.is(code, exitCode, stdout + stderr)
  const { error } = JSON.parse(stdout) as { error: { message: string; hint: string; exitCode: number } }
  t.regex(error.message, expected)
  t.true(error.hint.length > 10)
  t.is(error.exitCode, exitCode)
  t.false(await hasImage(name), 'a failed bake must not tag')
}

/** test/native/stdlib.ts for an interpreter that this machine has only inside an image. */
async function compareInContainer(t: ExecutionContext, image: string): Promise<void> {
  t.timeout(DEADLINE_MS)
  const bench = new Bench(t, process.execPath)
  const files = ['test/fixtures/stdlib.py', 'test/fixtures/constants.py', 'native/trace/tracer.py'].map(
    inRepository,
  )
  const start = async (command: string) => {
    const id = await docker(
      'create',
      '--network',
      'none',
      '--entrypoint',
      'sh',
      image,
      '-c',
      `cd /tmp && mkdir -p out && ${command}`,
    )
    t.teardown(() => run('docker', ['rm', '--force', id]).then(() => undefined))
    for (const file of files) await docker('cp', file, `${id}:/tmp/`)
    const { code, stdout, stderr } = await run('docker', ['start', '--attach', id])
    t.is(code, 0, stderr)
    return { id, stdout }
  }
  const recorded = await start(
    'cp -L $(python3 -c "import sys; sys.path.insert(0, \'/tmp\'); import stdlib; print(stdlib.library_path())") lib && python3 stdlib.py record out tracer.py constants.py',
  )
  await docker('cp', `${recorded.id}:/tmp/out`, `${bench.directory}/traces`)
  await docker('cp', `${recorded.id}:/tmp/lib`, `${bench.directory}/lib`)
  const [traced] = readRunLogs(`${bench.directory}/traces`)
  t.truthy(traced)
  if (!traced) return
  t.true(traced.modules.length > 300)
  bench.write({ ...traced, python: { ...traced.python, library: `${bench.directory}/lib` } }, traced.modules)
  files.push(bench.archive, `${bench.directory}/hook/_pycds.abi3.so`, `${bench.directory}/traces`)
  const { stdout } = await start(
    'PYCDS=require PYCDS_ARCHIVE=/tmp/app.cds PYTHONPATH=/tmp python3 stdlib.py compare /tmp/traces',
  )
  t.is(stdout.trim(), `${traced.modules.length}`)
}

const images = new Map<string, string | undefined>()
for (const base of BASES) {
  for (const example of EXAMPLES) images.set(`${example} ${base}`, await exampleImage(example, base))
}

// Everything is awaited before the first test: ava wants them all declared at once.
const flask = await exampleImage('01-flask-service', 'small')
const tool = await exampleImage('02-command-line-tool', 'small')
const nopython = await ensureImage('nopython')
const py38 = await ensureImage('py38')

for (const [index, [title, image]] of [...images].entries()) {
  if (image === undefined) test.skip(`bake ${title}: the image cannot be made here`, () => undefined)
  else {
    // Each example and each base once: the diagonal of their table.
    const declare = declareUnless(index % (EXAMPLES.length + 1) !== 0, test.serial)
    declare(`bake ${title}: one more layer, the source as it was, 95 % served`, async (t) => {
      const before = await docker('image', 'inspect', image)
      const { name, result } = await baked(image)
      t.is(await docker('image', 'inspect', image), before)
      const history = async (reference: string) =>
        (await docker('history', '--no-trunc', '-q', reference)).split('\n').length
      t.is(await history(name), (await history(image)) + 1)
      t.true(result.archive.modules > 50)
      const verified = await verifies(t, name, 95)
      t.is(verified.scenarios.length, 2)
      for (const scenario of verified.scenarios) t.true(scenario.hitRate >= 95, JSON.stringify(scenario))
      t.deepEqual(await leftInEngine(), [])
    })
  }
}

if (flask === undefined || tool === undefined) {
  test.skip('bakes of the examples: no image can be made here', () => undefined)
} else {
  test.serial(
    'two bakes give the same layer and image, and a bake of the result replaces its layer',
    async (t) => {
      const first = await baked(tool)
      const second = await bakedAnew(t, tool)
      t.is(second.result.layer.diffId, first.result.layer.diffId)
      t.is(second.result.output?.id, first.result.output?.id)
      const again = await bakedAnew(t, first.name)
      t.is(again.result.layer.diffId, first.result.layer.diffId)
      t.is(again.result.output?.id, first.result.output?.id)
    },
  )

  test.serial('two bakes at the same time both succeed', async (t) => {
    const [a, b] = await Promise.all([bakedAnew(t, tool), bakedAnew(t, tool)])
    t.is(a.result.layer.diffId, b.result.layer.diffId)
  })

  test.serial('a baked container writes nothing and says what it served', async (t) => {
    const { name } = await baked(tool)
    const id = await docker('create', ...CONFINED, '--env', 'PYCDS=report', name)
    t.teardown(() => run('docker', ['rm', '--force', id]).then(() => undefined))
    const { stderr } = await run('docker', ['start', '--attach', id])
    t.regex(stderr, /pycds\[\d+\]: served \d+ of \d+ path-based modules/)
    t.is(await docker('diff', id), '')
    const readOnly = ['run', '--rm', '--read-only', ...CONFINED]
    t.is((await run('docker', [...readOnly, '--env', 'PYCDS=require', name])).code, 0)
  })

  test.serial(
    'the layer holds the archive, the runtime, the hook and the manifest, and keeps directories as they were',
    async (t) => {
      const { name } = await baked(tool)
      const modes = (image: string) =>
        docker(
          'run',
          '--rm',
          '--network',
          'none',
          '--entrypoint',
          'stat',
          image,
          '-c',
          '%n %a %u %g %Y',
          // Not '/': the engine touches it when it makes a container.
          '/usr',
          '/usr/local',
          '/usr/local/lib',
          '/opt',
        )
      t.is(await modes(name), await modes(tool))
      const found = await docker(
        'run',
        '--rm',
        '--network',
        'none',
        '--entrypoint',
        'sh',
        name,
        '-c',
        'stat -c "%n %a %U" /opt/pycds/* $(find / -xdev -name "*pycds*" -path "*dist-packages*")',
      )
      t.deepEqual(found.split('\n').sort(), [
        '/opt/pycds/app.cds 444 root',
        '/opt/pycds/manifest.json 444 root',
        '/usr/local/lib/python3.11/dist-packages/00-pycds.pth 644 root',
        '/usr/local/lib/python3.11/dist-packages/_pycds.abi3.so 644 root',
      ])
      const config = JSON.parse(await docker('image', 'inspect', '--format', '{{json .Config}}', name)) as {
        Env: string[]
        Labels: Record<string, string>
      }
      t.true(config.Env.includes('PYCDS_ARCHIVE=/opt/pycds/app.cds'))
      t.is(config.Labels['io.pycds.source'], await docker('image', 'inspect', '--format', '{{.Id}}', tool))
    },
  )

  test.serial(
    'Python started with -I, with -E, from a shell script or in forked workers is traced',
    async (t) => {
      const app = 'import json, email.message, http.client; print("done")'
      const fork =
        'import os, json; os.fork() or __import__("http.client"); os.wait() if os.getpid() == 1 else None'
      for (const command of [
        ['python3', '-I', '-c', app],
        ['python3', '-E', '-c', app],
        ['sh', '-c', `exec python3 -c '${app}'`],
        ['python3', '-c', fork],
      ]) {
        const { result } = await bakedAnew(t, tool, '--', ...command)
        t.true(result.archive.modules > 20, command.join(' '))
        t.true(result.training.pythons[0]?.used)
      }
    },
  )

  test.serial('a dry run writes nothing', async (t) => {
    const name = imageName(t)
    const { code, stdout } = await pycds(['bake', tool, '-t', name, '--dry-run', '--json'])
    t.is(code, 0)
    t.is((JSON.parse(stdout) as BakeResult).output, null)
    t.false(await hasImage(name))
  })

  test.serial('bad input is refused with its exit code, and nothing is left', async (t) => {
    const crash = 'import json, email.message, http.client; raise SystemExit("no database")'
    await refuses(t, 7, /no-such-image/, ['no-such-image:1'])
    await refuses(t, 3, /exit code 1 after \d+ imports: no database/, [tool, '--', 'python3', '-c', crash])
    await refuses(t, 3, /exit code 7 before any Python/, [tool, '--', 'sh', '-c', 'exit 7'])
    await refuses(t, 3, /not ready after 2 s/, [
      tool,
      '--ready',
      'exit',
      '--timeout',
      '2s',
      '--',
      'python3',
      '-c',
      'import time; time.sleep(600)',
    ])
    await refuses(t, 4, /started no Python/, [tool, '--', 'true'])
    await refuses(t, 4, /-S/, [tool, '--', 'python3', '-S', '-c', 'import json'])
    await refuses(t, 6, /.+/, [tool], { DOCKER_HOST: 'unix:///no-such-directory/docker.sock' })
    if (nopython) await refuses(t, 4, /nopython/, [nopython])
    if (py38) await refuses(t, 4, /3\.8/, [py38, '--', 'python3', '-c', 'import json'])
    t.is((await pycds(['bake', tool, '-t', tool])).code, 2)
    t.deepEqual(await leftInEngine(), [])
  })

  test.serial('a training run that crashed can be kept', async (t) => {
    const crash = 'import json, email.message, http.client; raise SystemExit(3)'
    const { result } = await bakedAnew(t, tool, '--on-train-failure', 'keep', '--', 'python3', '-c', crash)
    t.is(result.training.exitCode, 3)
    t.is(result.warnings.length, 1)
  })

  test.serial('SIGINT removes the container and ends with 130', async (t) => {
    const name = imageName(t)
    const bake = ['bake', flask, '-t', name, '--ready', 'exit', '--progress', 'plain']
    // Not before there is something to remove.
    const onStart = async (child: ChildProcess) => {
      while (child.exitCode === null && (await leftInEngine()).length === 0) await setTimeout(50)
      child.kill('SIGINT')
    }
    t.is((await pycds(bake, { onStart: (child) => void onStart(child) })).code, 130)
    t.deepEqual(await leftInEngine(), [])
    t.false(await hasImage(name))
  })

  test.serial('inspect tells what is inside and what was left out', async (t) => {
    const { name, result } = await baked(flask)
    const { code, stdout } = await pycds(['inspect', name, '--json'])
    t.is(code, 0)
    const inspected = JSON.parse(stdout) as {
      archive: { modules: number }
      packages: { name: string }[]
      leftOut: { name: string }[]
    }
    t.is(inspected.archive.modules, result.archive.modules)
    t.true(inspected.packages.some((entry) => entry.name === 'flask'))
    t.true(inspected.leftOut.some((entry) => entry.name === 'encodings'))
    t.is((await pycds(['inspect', flask])).code, 7)
    t.is((await pycds(['doctor', flask])).code, 0)
    t.is((await pycds(['verify', flask])).code, 5)
    t.is((await pycds(['inspect', inRepository('package.json')])).code, 7)
  })
}

// Host interpreters of the same versions do the same in test/native/stdlib.ts.
for (const base of TIER === 'all' ? BASES : BASES.slice(0, 1)) {
  const image = images.get(`03-numpy-job ${base}`)
  if (image === undefined) continue
  test.serial(`the library of the Python of ${base}, archived, equals what it builds itself`, (t) =>
    compareInContainer(t, image),
  )
}

withMinimal(
  'a bake of what was baked gives the same image: nothing is learned from our own hook',
  async (t) => {
    t.timeout(DEADLINE_MS)
    const first = await bakedAnew(t, minimal ?? '')
    const second = await bakedAnew(t, first.name)
    t.is(second.result.archive.modules, first.result.archive.modules)
    t.is(second.result.layer.diffId, first.result.layer.diffId)
  },
)

test('the version is that of the package', async (t) => {
  const { version } = JSON.parse(readFileSync(inRepository('package.json'), 'utf8')) as {
    version: string
  }
  t.regex((await pycds(['--version'])).stdout, new RegExp(`pycds-image/${version.replaceAll('.', '\\.')}`))
})
