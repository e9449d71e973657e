// SPDX-License-Identifier: Apache-2.0
// Whole bakes of real images through the built command line: what they give, and how they fail.
import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import test, { type ExecutionContext } from 'ava'
import type { BakeResult } from '../../src/bake/result.js'
import type { VerifyResult } from '../../src/bake/verify.js'
import { type BaseImage, type Example, ensureImage, exampleImage } from '../helpers/images.js'
import { Bench, readTraces } from '../helpers/python.js'

const CLI = fileURLToPath(new URL('../../dist/bin/run.js', import.meta.url))
const DEADLINE_MS = 5 * 60_000
const EXAMPLES: readonly Example[] = ['01-flask-service', '02-command-line-tool', '03-numpy-job']
const BASES: readonly BaseImage[] = ['bookworm', 'trixie', 'shared']

interface Outcome {
  code: number | null
  stdout: string
  stderr: string
}

function run(file: string, args: readonly string[], env: Record<string, string> = {}): Promise<Outcome> {
  return new Promise((resolve) => {
    const options = { env: { ...process.env, ...env }, timeout: DEADLINE_MS, maxBuffer: 2 ** 28 }
    execFile(file, args, options, (error, stdout, stderr) => {
      resolve({ code: error ? (typeof error.code === 'number' ? error.code : null) : 0, stdout, stderr })
    })
  })
}

const pycds = (args: readonly string[], env?: Record<string, string>) =>
  run(process.execPath, [CLI, ...args], env)

async function docker(...args: string[]): Promise<string> {
  const { code, stdout, stderr } = await run('docker', args)
  if (code !== 0) throw new Error(`docker ${args.join(' ')}: ${stderr}`)
  return stdout.trim()
}

let names = 0
const strangers: string[] = []

/** A name for an image that is removed when the test ends. */
function output(t: ExecutionContext): string {
  names += 1
  const name = `pycds-test-out:${process.pid}-${names}`
  t.teardown(() => run('docker', ['image', 'rm', '--force', name]).then(() => undefined))
  return name
}

async function bake(
  t: ExecutionContext,
  image: string,
  ...args: string[]
): Promise<{ name: string; result: BakeResult }> {
  const name = output(t)
  const { code, stdout, stderr } = await pycds([
    'bake',
    image,
    '-t',
    name,
    '--json',
    '--measure',
    '0',
    ...args,
  ])
  t.is(code, 0, stderr)
  return { name, result: JSON.parse(stdout) as BakeResult }
}

/** Runs a bake that must fail, and checks that it leaves nothing. */
async function refuses(
  t: ExecutionContext,
  exitCode: number,
  expected: RegExp,
  args: readonly string[],
  env?: Record<string, string>,
) {
  const name = output(t)
  const { code, stdout, stderr } = await pycds(
    ['bake', ...args.slice(0, 1), '-t', name, '--json', ...args.slice(1)],
    env,
  )
  t.is(code, exitCode, stdout + stderr)
  const { error } = JSON.parse(stdout) as { error: { message: string; hint: string; exitCode: number } }
  t.regex(error.message, expected)
  t.true(error.hint.length > 10)
  t.is(error.exitCode, exitCode)
  t.not((await run('docker', ['image', 'inspect', name])).code, 0, 'a failed bake must not tag')
}

/** Containers of bakes; those that were there before this file ran are not ours to judge. */
async function leftovers(): Promise<string[]> {
  const found = await run('docker', ['ps', '--all', '--quiet', '--filter', 'label=io.pycds.run'])
  return found.stdout.split('\n').filter((id) => id !== '' && !strangers.includes(id))
}

strangers.push(...(await leftovers()))
const repositoryFile = (path: string) => fileURLToPath(new URL(`../../${path}`, import.meta.url))

/** test/native/stdlib.ts for an interpreter that this machine has only inside an image. */
async function compareInContainer(t: ExecutionContext, image: string): Promise<void> {
  t.timeout(DEADLINE_MS)
  const bench = new Bench(t, process.execPath)
  const files = ['test/fixtures/stdlib.py', 'test/fixtures/constants.py', 'native/tracer/tracer.py'].map(
    repositoryFile,
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
  const [traced] = readTraces(`${bench.directory}/traces`)
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
const nopython = await ensureImage('nopython')
const py38 = await ensureImage('py38')

for (const [title, image] of images) {
  if (image === undefined) test.skip(`bake ${title}: the image cannot be made here`, () => undefined)
  else {
    test.serial(`bake ${title}: one more layer, the source as it was, 95 % served`, async (t) => {
      const before = await docker('image', 'inspect', image)
      const { name, result } = await bake(t, image)
      t.is(await docker('image', 'inspect', image), before)
      const history = async (reference: string) =>
        (await docker('history', '--no-trunc', '-q', reference)).split('\n').length
      t.is(await history(name), (await history(image)) + 1)
      t.true(result.archive.modules > 50)
      const { code, stdout, stderr } = await pycds(['verify', name, '--min-hit-rate', '95', '--json'])
      t.is(code, 0, stdout + stderr)
      const verified = JSON.parse(stdout) as VerifyResult
      t.is(verified.scenarios.length, 2)
      for (const scenario of verified.scenarios) t.true(scenario.hitRate >= 95, JSON.stringify(scenario))
      t.deepEqual(await leftovers(), [])
    })
  }
}

const flask = images.get('01-flask-service bookworm')
const tool = images.get('02-command-line-tool bookworm')

if (flask === undefined || tool === undefined) {
  test.skip('bakes of the examples: no image can be made here', () => undefined)
} else {
  test.serial(
    'two bakes give the same layer and image, and a bake of the result replaces its layer',
    async (t) => {
      const first = await bake(t, tool)
      const second = await bake(t, tool)
      t.is(second.result.layer.diffId, first.result.layer.diffId)
      t.is(second.result.output?.id, first.result.output?.id)
      const again = await bake(t, first.name)
      t.is(again.result.layer.diffId, first.result.layer.diffId)
      t.is(again.result.output?.id, first.result.output?.id)
    },
  )

  test.serial('two bakes at the same time both succeed', async (t) => {
    const [a, b] = await Promise.all([bake(t, tool), bake(t, tool)])
    t.is(a.result.layer.diffId, b.result.layer.diffId)
  })

  test.serial('a baked container writes nothing and says what it served', async (t) => {
    const { name } = await bake(t, tool)
    const id = await docker(
      'create',
      '--user',
      '12345',
      '--cap-drop',
      'ALL',
      '--network',
      'none',
      '--env',
      'PYCDS=report',
      name,
    )
    t.teardown(() => run('docker', ['rm', '--force', id]).then(() => undefined))
    const { stderr } = await run('docker', ['start', '--attach', id])
    t.regex(stderr, /pycds\[\d+\]: served \d+ of \d+ path-based modules/)
    t.is(await docker('diff', id), '')
    const readOnly = [
      'run',
      '--rm',
      '--read-only',
      '--user',
      '12345',
      '--cap-drop',
      'ALL',
      '--network',
      'none',
    ]
    t.is((await run('docker', [...readOnly, '--env', 'PYCDS=require', name])).code, 0)
  })

  test.serial(
    'the layer holds the archive, the runtime, the hook and the manifest, and keeps directories as they were',
    async (t) => {
      const { name } = await bake(t, tool)
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
        const { result } = await bake(t, tool, '--', ...command)
        t.true(result.archive.modules > 20, command.join(' '))
        t.true(result.training.pythons[0]?.used)
      }
    },
  )

  test.serial('a dry run writes nothing', async (t) => {
    const name = output(t)
    const { code, stdout } = await pycds(['bake', tool, '-t', name, '--dry-run', '--json'])
    t.is(code, 0)
    t.is((JSON.parse(stdout) as BakeResult).output, null)
    t.not((await run('docker', ['image', 'inspect', name])).code, 0)
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
    t.deepEqual(await leftovers(), [])
  })

  test.serial('a training run that crashed can be kept', async (t) => {
    const crash = 'import json, email.message, http.client; raise SystemExit(3)'
    const { result } = await bake(t, tool, '--on-train-failure', 'keep', '--', 'python3', '-c', crash)
    t.is(result.training.exitCode, 3)
    t.is(result.warnings.length, 1)
  })

  test.serial('SIGINT removes the container and ends with 130', async (t) => {
    const name = output(t)
    const child: ChildProcess = spawn(
      process.execPath,
      [CLI, 'bake', flask, '-t', name, '--ready', 'exit', '--progress', 'plain'],
      { stdio: ['ignore', 'pipe', 'pipe'] },
    )
    const ended = new Promise<number | null>((resolve) => child.on('exit', (code) => resolve(code)))
    const started = new Promise<void>((resolve) =>
      child.stderr?.on('data', (chunk: Buffer) => chunk.includes('[train]') && resolve()),
    )
    await Promise.race([started, ended])
    child.kill('SIGINT')
    t.is(await ended, 130)
    t.deepEqual(await leftovers(), [])
    t.not((await run('docker', ['image', 'inspect', name])).code, 0)
  })

  test.serial('inspect tells what is inside and what was left out', async (t) => {
    const { name, result } = await bake(t, flask)
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
    t.is((await pycds(['inspect', fileURLToPath(new URL('../../package.json', import.meta.url))])).code, 7)
  })
}

for (const base of BASES) {
  const image = images.get(`03-numpy-job ${base}`)
  if (image === undefined) continue
  test.serial(`the library of the Python of ${base}, archived, equals what it builds itself`, (t) =>
    compareInContainer(t, image),
  )
}

test('the version is that of the package', async (t) => {
  const { version } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as {
    version: string
  }
  t.regex((await pycds(['--version'])).stdout, new RegExp(`pycds-image/${version.replaceAll('.', '\\.')}`))
})
