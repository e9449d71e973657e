// SPDX-License-Identifier: Apache-2.0
// Images that are prepared only: their first start learns, the next one is served.
import { execFileSync, spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import test, { type ExecutionContext } from 'ava'
import type { DoctorResult } from '../../src/usecases/doctor.js'
import type { PrepareResult } from '../../src/usecases/prepare.js'
import { baked } from '../helpers/baked.js'
import { build, CLASSIC } from '../helpers/builds.js'
import { bakes, pycds } from '../helpers/cli.js'
import { docker, imageName } from '../helpers/engine.js'
import { addLayout } from '../helpers/fleet.js'
import { ensureImage, exampleImage, toolImage } from '../helpers/images.js'
import { TestRegistry } from '../helpers/registry.js'
import { DEADLINE_MS, run } from '../helpers/run.js'
import { unless } from '../helpers/skipped.js'
import { temporary } from '../helpers/temporary.js'

type Run = (t: ExecutionContext) => Promise<void>

/** What a layer may take at most, compressed. */
const LAYER_BYTES = 400_000
const PROGRAM = ['python3', '-c', 'import email.message, http.client, json, logging, requests']
const CONFINED = ['--read-only', '--cap-drop', 'ALL', '--security-opt', 'no-new-privileges']
const HARDENED = [...CONFINED, '--user', '4711']

/** Calls the function of the examples as soon as it listens; whoever waits for it has the deadline. */
const CALL = `import time, urllib.error, urllib.request
data = b'{"amount": "10.00", "among": 3}'
call = urllib.request.Request("http://127.0.0.1:8080/", data, {"Content-Type": "application/json"})
while True:
    try:
        print(urllib.request.urlopen(call).read().decode(), end="")
        break
    except urllib.error.URLError as error:
        if not isinstance(error.reason, ConnectionRefusedError):
            raise
        time.sleep(0.05)`

/** So many that an engine's own threads fit in, and so few that a helper does not (docs/learning.md). */
const CHILDREN = 40
/** Has so many children at once, as servers that fork workers do, and waits for any. */
const REAPER = `import json, os, signal
children = set()
for _ in range(${CHILDREN}):
    pid = os.fork()
    if pid == 0:
        signal.pause()
    children.add(pid)
for pid in children:
    os.kill(pid, signal.SIGKILL)
seen = [os.waitpid(-1, 0)[0] for _ in children]
try:
    os.wait()
except ChildProcessError:
    print(len(seen), set(seen) == children)`

const APPLICATION = `import email.message, json, os, requests

def application(environ, start_response):
    start_response("200 OK", [("Content-Type", "application/json")])
    return [json.dumps({"pid": os.getpid()}).encode()]
`
/** Asks a server until it has answered, ends the worker that did, and asks until another one answers. */
const REPLACE = `import json, os, signal, time, urllib.error, urllib.request
def answer():
    while True:
        try:
            return json.load(urllib.request.urlopen("http://127.0.0.1:8000/"))["pid"]
        except (urllib.error.URLError, ConnectionError):
            time.sleep(0.05)
first = answer()
os.kill(first, signal.SIGKILL)
while answer() == first:
    pass
print("another worker answers")`

/** Waits until what the workers import has been learned, by the records beside the archive. */
const LEARNED = `import glob, time
while not any(b"/srv/app.py" in open(path, "rb").read() for path in glob.glob("/var/cache/pycds/*/*.learned")):
    time.sleep(0.05)`

const base = await ensureImage('small')
const tool = base === undefined ? undefined : await toolImage()

/** A volume that goes with the test. */
async function volume(t: ExecutionContext): Promise<string> {
  const name = `pycds-learn-${process.pid}-${t.title.length}`
  await docker('volume', 'create', name)
  t.teardown(async () => {
    await docker('volume', 'rm', '-f', name)
  })
  return name
}

/** Starts an image twice with the same volume; what each says of itself. */
async function twice(t: ExecutionContext, image: string, options: readonly string[] = []): Promise<string[]> {
  const learned = await volume(t)
  const start = async () => {
    const words = ['run', '--rm', '--network', 'none', ...options, '-v', `${learned}:/var/cache/pycds`]
    const env = ['-e', 'PYCDS=report', '-e', 'PYCDS_LEARN_WAIT=60s']
    const { code, stdout, stderr } = await run('docker', [...words, ...env, image, ...PROGRAM])
    t.is(code, 0, stderr)
    t.is(stdout, '')
    return stderr
  }
  return [await start(), await start()]
}

/** What the function answers, as soon as it does, and says until it is stopped. */
async function answerOf(t: ExecutionContext, image: string, learned: string) {
  const words = [...CONFINED, '--network', 'none', '-v', `${learned}:/var/cache/pycds`]
  const env = ['-e', 'PYCDS=report', '-e', 'PYCDS_LEARN_WAIT=60s']
  const container = await docker('run', '--detach', ...words, ...env, image)
  t.teardown(async () => {
    await docker('rm', '--force', container)
  })
  const { code, stdout, stderr } = await run('docker', ['exec', container, 'python3', '-S', '-c', CALL])
  t.is(code, 0, stderr)
  await docker('stop', '--time', '120', container)
  return { answer: stdout, said: (await run('docker', ['logs', container])).stderr }
}

function learns(t: ExecutionContext, [first = '', second = '']: readonly string[]): void {
  t.regex(first, /learning: (RECORDING|LEARNED): /)
  t.regex(second, /learning: USED: /)
  const [, served = '0', total = '1'] = /served (\d+) of (\d+) path-based modules/.exec(second) ?? []
  t.true(Number(served) / Number(total) > 0.95, second)
}

async function prepares(t: ExecutionContext, args: readonly string[]): Promise<PrepareResult> {
  const { code, stdout, stderr } = await pycds(['prepare', ...args, '--json', '--progress', 'quiet'])
  t.is(code, 0, stdout + stderr)
  return JSON.parse(stdout) as PrepareResult
}

if (base === undefined) {
  test.skip('learning: the image cannot be made here', () => undefined)
} else {
  test.serial('an image of the engine learns, also in a hardened container', async (t) => {
    t.timeout(DEADLINE_MS)
    const tag = imageName(t)
    const { layer, directory } = await prepares(t, [base, '-t', tag])
    t.true(layer.compressedBytes <= LAYER_BYTES)
    t.is(directory, '/var/cache/pycds')
    learns(t, await twice(t, tag, HARDENED))
    // What asks for an archive is told that there is none to ask for.
    for (const [verb, exitCode] of [
      ['inspect', 7],
      ['verify', 5],
    ] as const) {
      const { code, stderr } = await pycds([verb, tag])
      t.is(code, exitCode)
      t.regex(stderr, /it is prepared: it holds no archive, its containers learn/)
    }
    t.regex((await pycds(['doctor', tag])).stdout, /its containers learn in \/var\/cache\/pycds/)
  })

  test.serial(
    'an image that says where it learns learns there, and a baked one loses its archive loudly',
    async (t) => {
      t.timeout(DEADLINE_MS)
      const [own, tag] = [imageName(t), imageName(t)]
      const text = `FROM ${base}\nENV PYCDS_LEARN=/data/learned\n`
      await docker('build', '--quiet', '--network', 'none', '-t', own, temporary(t, { Dockerfile: text }))
      const { directory, replacedBake } = await prepares(t, [own, '-t', tag])
      t.deepEqual([directory, replacedBake], ['/data/learned', false])
      t.regex(await docker('inspect', '-f', '{{json .Config.Env}}', tag), /"PYCDS_LEARN=\/data\/learned"/)
      t.is((await prepares(t, [tag, '-t', `${tag}-again`])).directory, '/data/learned')
      const { name } = await baked(base, '--', 'python3', '-c', 'import json')
      t.true((await prepares(t, [name, '-t', `${tag}-again`])).replacedBake)
      await docker('rmi', '-f', `${tag}-again`)
    },
  )

  test.serial('a file gets the same layer without an engine, and a bake takes it off again', async (t) => {
    t.timeout(DEADLINE_MS)
    const place = temporary(t)
    const tag = imageName(t)
    await docker('save', '-o', join(place, 'image.tar'), base)
    const file = await prepares(t, [
      `docker-archive:${join(place, 'image.tar')}`,
      '-o',
      `oci:${place}/out:new`,
    ])
    const engine = await prepares(t, [base, '-t', tag])
    t.is(file.layer.diffId, engine.layer.diffId)
    const ids = ['--iidfile', join(place, 'id'), '--metadata-file', join(place, 'metadata')]
    const words = [
      'bake',
      tag,
      '--train',
      'learn',
      '-t',
      `${tag}-bake`,
      ...ids,
      '--json',
      '--progress',
      'quiet',
    ]
    const other = JSON.parse((await pycds(words)).stdout) as PrepareResult
    t.is(other.layer.diffId, engine.layer.diffId)
    t.is(readFileSync(join(place, 'id'), 'utf8'), other.output.id)
    const metadata = JSON.parse(readFileSync(join(place, 'metadata'), 'utf8')) as Record<string, string>
    t.is(metadata['image.name'], `${tag}-bake`)
    const again = await prepares(t, [tag, '-t', `${tag}-again`])
    t.teardown(async () => {
      await docker('rmi', '-f', `${tag}-again`, `${tag}-bake`, `${tag}-baked`)
    })
    t.is(again.layer.diffId, engine.layer.diffId)
    const registry = await TestRegistry.start(t)
    addLayout(registry, join(place, 'out'), 'team/app')
    const app = `registry:${registry.host}/team/app`
    const there = await prepares(t, [`${app}:new`, '-o', `${app}:again`])
    t.is(there.layer.diffId, engine.layer.diffId)
    t.truthy(registry.tags['team/app:again'])
    await bakes(t, [tag, '-t', `${tag}-baked`, '--', ...PROGRAM])
    const inspected = await docker('inspect', '-f', '{{json .Config}}', `${tag}-baked`)
    t.false(inspected.includes('PYCDS_LEARN') || inspected.includes('io.pycds.learn'), inspected)
  })

  test.serial('an image without a Python is told so before anything is done', async (t) => {
    t.timeout(DEADLINE_MS)
    const tag = imageName(t)
    const text = 'FROM scratch\nCOPY program /program\nCMD ["/program"]\n'
    await docker(
      'build',
      '--quiet',
      '--network',
      'none',
      '-t',
      tag,
      temporary(t, { Dockerfile: text, program: '' }),
    )
    const { code, stderr } = await pycds(['prepare', tag])
    t.is(code, 4, stderr)
    t.regex(
      stderr,
      new RegExp(`^Error: image ${tag}: neither its command nor its PATH leads to a Python`, 'm'),
    )
    const { checks } = JSON.parse((await pycds(['doctor', tag, '--json'])).stdout) as DoctorResult
    const image = checks.find(({ id }) => id === 'image')
    t.like(image, { status: 'warn' })
    t.regex(image?.detail ?? '', /neither that nor its PATH leads to a Python/)
  })

  test.serial('process 1 reaps its children alone, and may have as many as are allowed', async (t) => {
    t.timeout(DEADLINE_MS)
    const tag = imageName(t)
    await prepares(t, [base, '-t', tag])
    const learned = await volume(t)
    const start = async (variable: string) => {
      // As many processes as the program has, without an init.
      const words = ['run', '--rm', '--network', 'none', '--pids-limit', `${CHILDREN + 1}`]
      const options = ['-v', `${learned}:/var/cache/pycds`, '-e', variable, tag]
      return await run('docker', [...words, ...options, 'python3', '-c', REAPER])
    }
    const plain = await start('PYCDS_LEARN=')
    t.is(plain.stdout, `${CHILDREN} True\n`)
    t.deepEqual(await start('PYCDS_LEARN_WAIT=60s'), plain)
    t.deepEqual(await start('PYCDS_LEARN_WAIT=60s'), plain)
  })

  test.serial('gunicorn as process 1 learns, looks after its workers as ever, and is served', async (t) => {
    t.timeout(DEADLINE_MS)
    const directory = temporary(t, {
      'app.py': APPLICATION,
      Dockerfile: `FROM ${base}\nWORKDIR /srv\nCOPY app.py .\nCMD ["gunicorn", "--bind", "127.0.0.1:8000", "--workers", "2", "app:application"]\n`,
    })
    const [image, tag] = [imageName(t), imageName(t)]
    await docker('build', '--quiet', '--network', 'none', '-t', image, directory)
    await prepares(t, [image, '-t', tag])
    const learned = await volume(t)
    const start = async (env: string, program = 'pass') => {
      const words = ['--network', 'none', '--volume', `${learned}:/var/cache/pycds`]
      const options = ['PYCDS=report', env].flatMap((one) => ['--env', one])
      const container = await docker('run', '--detach', ...words, ...options, tag)
      t.teardown(async () => {
        await docker('rm', '--force', container)
      })
      const asked = await run('docker', ['exec', container, 'python3', '-S', '-c', REPLACE])
      t.is(asked.stdout, 'another worker answers\n', asked.stderr)
      await docker('exec', container, 'python3', '-S', '-c', program)
      await docker('stop', '--time', '120', container)
      const code = await docker('inspect', '--format', '{{.State.ExitCode}}', container)
      const { stderr } = await run('docker', ['logs', container])
      const ofServer = stderr.split('\n').filter((line) => /^\[\d{4}-/.test(line))
      return { code, stderr, log: ofServer.map((line) => line.replace(/^\S+ \S+ \S+ |\d+/g, '')).sort() }
    }
    const plain = await start('PYCDS_LEARN=')
    const learning = await start('PYCDS_LEARN_WAIT=60s', LEARNED)
    const served = await start('PYCDS_LEARN_WAIT=60s')
    t.true(
      plain.log.some((line) => line.includes('Booting worker')),
      plain.stderr,
    )
    for (const { code, log } of [learning, served])
      t.deepEqual({ code, log }, { code: plain.code, log: plain.log })
    t.regex(served.stderr, /^pycds\[1\]: .*learning: USED: /m)
    const rates = [...served.stderr.matchAll(/served (\d+) of (\d+) path-based modules/g)]
    const sum = (i: number) => rates.reduce((all, one) => all + Number(one[i]), 0)
    t.true(sum(1) / sum(2) > 0.9, served.stderr)
  })

  test.serial('what a baked image lacks is learned beside its archive', async (t) => {
    t.timeout(DEADLINE_MS)
    const { name } = await baked(base, '--', 'python3', '-c', 'import json')
    const said = await twice(t, name, [...CONFINED, '-e', 'PYCDS_LEARN=/var/cache/pycds'])
    learns(t, said)
    const [, before = ''] = /served (\d+) of/.exec(said[0] ?? '') ?? []
    const [, after = '', beside = ''] =
      /served (\d+) of.*\n.* (\d+) of them from what was learned/.exec(said[1] ?? '') ?? []
    t.true(Number(before) > 0 && Number(beside) > 0)
    t.is(Number(before) + Number(beside), Number(after))
  })

  test.serial('the function of the examples learns in a volume, and answers as ever', async (t) => {
    t.timeout(DEADLINE_MS)
    const image = await exampleImage('05-learning-function', 'small')
    const tag = imageName(t)
    await prepares(t, [image ?? '', '-t', tag])
    const learned = await volume(t)
    const first = await answerOf(t, tag, learned)
    const second = await answerOf(t, tag, learned)
    t.is(first.answer, '{"shares":["3.34","3.33","3.33"]}\n')
    t.is(second.answer, first.answer)
    learns(t, [first.said, second.said])
  })

  const where = tool === undefined ? test.serial.skip : test.serial
  where('a step of a Dockerfile prepares', async (t) => {
    t.timeout(DEADLINE_MS)
    const step = ['/pycds/pycds-image', 'step', '--train', 'learn', '--output', '/out']
    const dockerfile = `FROM ${base} AS app
FROM app AS cds
COPY --from=${tool} / /pycds
RUN ${JSON.stringify(step)}
FROM app
COPY --from=cds /out/ /
`
    const { code, name, stdout, stderr } = await build(t, CLASSIC, dockerfile)
    t.is(code, 0, stdout + stderr)
    learns(t, await twice(t, name))
  })
}

test('what is not an image or an environment is refused with a reason', async (t) => {
  for (const words of [[], ['--root', '/proc'], ['a', '--root', 'b'], ['a', '--root', 'b', '-t', 'c']]) {
    t.is((await pycds(['prepare', ...words])).code, 2, words.join(' '))
  }
  t.is((await pycds(['step', '--prepare', '--', 'python3'])).code, 2)
  t.is((await pycds(['step', '--prepare', '--import', 'app'])).code, 2)
  t.is((await pycds(['step', '--prepare', '--train', 'imports'])).code, 2)
  t.is((await pycds(['step', '--train', 'learn', '--timeout', '5s'])).code, 2)
  const several = ['--platform', 'linux/amd64,linux/arm64']
  for (const words of [
    ['--import', 'app'],
    ['--measure', '0'],
    ['--plan'],
    ['--dry-run'],
    several,
    ['--', 'python3'],
  ]) {
    const { code, stderr } = await pycds(['bake', 'a', '--train', 'learn', ...words])
    t.is(code, 2, stderr)
    t.true(stderr.includes('--train learn'), stderr)
  }
  const config = join(temporary(t), 'pycds-image.yaml')
  writeFileSync(config, 'version: 1\nimages:\n  - image: a\n    train: learn\n')
  t.is((await pycds(['bake', '--config', config])).code, 2)
  t.is((await pycds(['trace', 'import', '/nowhere'])).code, 7)
})

const noVenv =
  spawnSync('/usr/bin/python3', ['-c', 'import venv']).status === 0 ? undefined : 'no module venv'
const makeEnvironment = (path: string) =>
  execFileSync('/usr/bin/python3', ['-m', 'venv', '--without-pip', path])

unless<Run>(noVenv, test)('a virtual environment learns beside itself, and again as isolated', async (t) => {
  t.timeout(DEADLINE_MS)
  const place = temporary(t)
  makeEnvironment(join(place, 'venv'))
  const { code, stderr } = await pycds(['prepare', '--root', join(place, 'venv')])
  t.is(code, 0, stderr)
  const program = join(place, 'venv/bin/python3')
  const words = ['-I', '-c', 'import json, decimal, logging, argparse, email.message']
  const start = () =>
    run(program, words, { env: { PYCDS: 'report', PYCDS_LEARN_WAIT: '60s' } }).then((done) => done.stderr)
  learns(t, [await start(), await start()])
  const told = await pycds(['inspect', join(place, 'venv/var/cache/pycds'), '--json'])
  t.is(told.code, 0, told.stderr)
  t.is(JSON.parse(told.stdout).kinds.length, 1)
})

unless<Run>(noVenv, test)(
  'what starts have learned under another spelling of a path is a trace',
  async (t) => {
    t.timeout(DEADLINE_MS)
    const place = temporary(t, { 'app/here': '' })
    makeEnvironment(join(place, 'venv'))
    t.is((await pycds(['prepare', '--root', join(place, 'venv')])).code, 0)
    const learned = join(place, 'venv/var/cache/pycds')
    // The first start ends before there is an archive, which is told.
    const words = ['-c', 'import json, decimal']
    const start = (wait: Record<string, string>) =>
      run('../venv/bin/python3', words, { cwd: join(place, 'app'), env: { PYCDS: '', ...wait } })
    await start({})
    const early = await pycds(['inspect', learned])
    if (early.code !== 0) t.regex(early.stderr, /has left records.*PYCDS_LEARN_WAIT/s)
    await start({ PYCDS_LEARN_WAIT: '60s' })
    const file = join(place, 'trace.json')
    const imported = await pycds(['trace', 'import', learned, '-o', file])
    t.is(imported.code, 0, imported.stderr)
    const merged = await pycds(['trace', 'merge', file, file, '-o', join(place, 'merged.json')])
    t.is(merged.code, 0, merged.stderr)
  },
)

unless<Run>(noVenv, test)(
  'an environment that cannot be prepared is left as it is, with the reason',
  async (t) => {
    t.timeout(DEADLINE_MS)
    const place = temporary(t)
    const venv = join(place, 'venv')
    makeEnvironment(venv)
    const elsewhere = join(place, 'elsewhere')
    const site = execFileSync(join(venv, 'bin/python3'), [
      '-c',
      'import site; print(site.getsitepackages()[0])',
    ])
    const hook = join(site.toString().trim(), '00-pycds.pth')
    const ways: [string, () => void][] = [
      [join(venv, 'var'), () => writeFileSync(join(venv, 'var'), '')],
      [join(venv, 'var'), () => symlinkSync('var', join(venv, 'var'))],
      [join(venv, 'var'), () => symlinkSync('/nowhere/at/all', join(venv, 'var'))],
      [
        join(venv, 'var'),
        () => {
          mkdirSync(elsewhere)
          symlinkSync(elsewhere, join(venv, 'var'))
        },
      ],
      [hook, () => mkdirSync(hook)],
    ]
    for (const [path, make] of ways) {
      make()
      const { code, stderr } = await pycds(['prepare', '--root', venv])
      t.is(code, 2, stderr)
      t.true(stderr.includes(venv), stderr)
      rmSync(path, { recursive: true })
      t.false(existsSync(hook))
      if (existsSync(elsewhere)) t.deepEqual(readdirSync(elsewhere), [])
    }
    t.is((await pycds(['prepare', '--root', venv])).code, 0)
  },
)
