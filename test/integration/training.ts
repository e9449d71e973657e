// SPDX-License-Identifier: Apache-2.0
// Training of applications as people build them: services, workers, scripts, one that needs a database.
import { chmodSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import test, { type ExecutionContext } from 'ava'
import type { Trace } from '../../src/learn/trace/trace-file.js'
import type { BakeResult } from '../../src/usecases/result.js'
import { pycds } from '../helpers/cli.js'
import { docker, hasImage, imageName } from '../helpers/engine.js'
import { ensureImage } from '../helpers/images.js'
import { inRepository } from '../helpers/repository.js'
import { schemaErrors } from '../helpers/schemas.js'
import { type Files, temporary } from '../helpers/temporary.js'

const SERVICES = inRepository('test/fixtures/services')
const DEADLINE_MS = 3 * 60_000
const SECRET = 'hunter2-never-to-be-seen'
/** A database to connect to, and the application as it really starts. */
const WITH_DATABASE =
  'python3 -S -c "import _socket,os; s=_socket.socket(); s.bind((\'127.0.0.1\', 5432)); s.listen(); os.fork() and os._exit(0); s._accept(); s._accept()" && exec python3 -m orders'

const base = await ensureImage('small')
const built = new Set<string>()

/** Builds a target of the fixture; returns its name. */
async function service(target: string): Promise<string> {
  const name = `pycds-test-service:${target}`
  if (built.has(target)) return name
  const args = ['--network', 'none', '--build-arg', `BASE=${base}`, '--target', target]
  await docker('build', '--quiet', ...args, '-t', name, SERVICES)
  built.add(target)
  return name
}

async function bake(t: ExecutionContext, target: string, ...args: string[]) {
  t.timeout(DEADLINE_MS)
  const name = imageName(t)
  const image = await service(target)
  const options = ['--json', '--progress', 'plain', '--measure', '0', '--pyc', 'off']
  return { name, image, ...(await pycds(['bake', image, '-t', name, ...options, ...args])) }
}

function scratch(t: ExecutionContext, files: Files = {}): string {
  const directory = temporary(t, files)
  // The user of the image must be able to look inside.
  chmodSync(directory, 0o755)
  return directory
}

const resultOf = (stdout: string) => JSON.parse(stdout) as BakeResult

/** Baked with these options, a real start of it takes 95 % of its modules from the archive. */
const serves = test.macro(async (t, target: string, endedBy: string, ...args: string[]) => {
  const { code, stdout, stderr } = await bake(t, target, '--min-hit-rate', '95', ...args)
  t.is(code, 0, stdout + stderr)
  const { training, hitRate } = resultOf(stdout)
  t.is(training.endedBy, endedBy)
  t.deepEqual(schemaErrors('bake', JSON.parse(stdout)), [])
  t.true((hitRate?.total ?? 0) > 50, JSON.stringify(hitRate))
})

/** What is imported last is in the trace although the port was open long before. */
const startsLate = test.macro(async (t, target: string) => {
  const trace = join(scratch(t), 'trace.json')
  const { code, stdout, stderr } = await bake(t, target, '--trace-out', trace)
  t.is(code, 0, stdout + stderr)
  t.is(resultOf(stdout).training.endedBy, 'port')
  const { modules } = JSON.parse(readFileSync(trace, 'utf8')) as Trace
  t.true(modules.some(({ name }) => name === 'late_part'))
  t.deepEqual(resultOf(stdout).warnings, [])
})

const refuses = test.macro(async (t, target: string, exitCode: number, reason: RegExp, ...args: string[]) => {
  const { name, code, stdout } = await bake(t, target, ...args)
  t.is(code, exitCode, stdout)
  t.regex((JSON.parse(stdout) as { error: { message: string } }).error.message, reason)
  t.false(await hasImage(name), 'a failed bake must not tag')
})

if (base === undefined) {
  test.skip('training of services: the base image cannot be made here', () => undefined)
} else {
  test.serial('gunicorn with workers', serves, 'gunicorn', 'port')
  test.serial('workers that take seconds to import behind an open port', startsLate, 'prefork')
  test.serial('a worker that computes behind a front that accepts at once', startsLate, 'front')

  test.serial(
    'a program that waits for what it cannot reach is not taken for one that has started',
    async (t) => {
      const { code, stdout, stderr } = await bake(t, 'patient')
      t.is(code, 0, stdout + stderr)
      const { training, warnings } = resultOf(stdout)
      t.is(training.endedBy, 'quiet')
      const text = warnings.join('\n')
      t.regex(text, /still running when it had imported nothing for 2 s.*neither a port nor a HEALTHCHECK/)
      t.regex(
        text,
        /did not get its connections: 127\.0\.0\.1:5432 \(refused\), database\.test \(no such name\);/,
      )
    },
  )
  test.serial('a service with a HEALTHCHECK', serves, 'health', 'health')
  test.serial('a shell script that starts two Pythons', serves, 'script', 'port')
  test.serial('a console script', serves, 'console', 'exit')
  test.serial(
    'a service that imports on its first request',
    serves,
    'lazy',
    'port',
    '--probe',
    'GET:8000/first',
  )

  test.serial('a program that gives up root before it imports is recorded whole', async (t) => {
    const program = 'import os; os.setgid(65534); os.setuid(65534); import email.message, json, decimal'
    const image = imageName(t)
    const text = `FROM ${base}\nUSER root\nCMD ["python3", "-c", "${program}"]\n`
    await docker('build', '--quiet', '--network', 'none', '-t', image, temporary(t, { Dockerfile: text }))
    const { code, stdout, stderr } = await pycds([
      'bake',
      image,
      '-t',
      imageName(t),
      '--json',
      '--measure',
      '0',
      '--min-hit-rate',
      '90',
    ])
    t.is(code, 0, stdout + stderr)
  })

  test.serial('a service that needs a database, trained by its imports', async (t) => {
    const { name, code, stdout, stderr } = await bake(
      t,
      'database',
      '--train',
      'imports',
      '--import',
      'orders.server',
    )
    t.is(code, 0, stdout + stderr)
    t.is(resultOf(stdout).training.mode, 'imports')
    const options = ['--min-hit-rate', '95', '--ready', 'quiet:1s', '--json']
    const start = ['env', 'DATABASE_HOST=127.0.0.1', 'sh', '-c', WITH_DATABASE]
    const verified = await pycds(['verify', name, ...options, '--', ...start])
    t.is(verified.code, 0, verified.stdout + verified.stderr)
    t.deepEqual(schemaErrors('verify', JSON.parse(verified.stdout)), [])
  })

  test.serial(
    '--min-hit-rate starts the program, also where its modules were imported by name',
    async (t) => {
      const image = imageName(t)
      const text = `FROM ${base}\nCMD ["python3", "-c", "import email.message"]\n`
      await docker('build', '--quiet', '--network', 'none', '-t', image, temporary(t, { Dockerfile: text }))
      const name = imageName(t)
      const limited = ['--train', 'imports', '--import', 'json', '--min-hit-rate', '95']
      const { code, stderr } = await pycds(['bake', image, '-t', name, '--measure', '0', ...limited])
      t.is(code, 5, stderr)
      t.regex(stderr, /min-hit-rate/)
      t.false(await hasImage(name))
    },
  )

  test.serial('no database', refuses, 'database', 3, /exit code 1 after \d+ imports: no database/)
  test.serial(
    'a port that never opens',
    refuses,
    'health',
    3,
    /port:9999: nobody listens/,
    '--ready',
    'port:9999',
    '--timeout',
    '8s',
  )
  test.serial(
    'a line that never comes',
    refuses,
    'lazy',
    3,
    /no line of its output/,
    '--ready',
    'log:/never/',
    '--timeout',
    '3s',
  )
  test.serial(
    'a container that ends first',
    refuses,
    'console',
    3,
    /before it was ready: port:80/,
    '--ready',
    'port:80',
  )
  test.serial('a HEALTHCHECK that is none', refuses, 'lazy', 2, /has no HEALTHCHECK/, '--ready', 'health')
  test.serial(
    'a probe that fails',
    refuses,
    'lazy',
    3,
    /1 of 2 probes failed: GET:8000\/no: HTTP\/1\.0 404/,
    ...['--probe', 'GET:8000/first', '--probe', 'GET:8000/no'],
  )
  test.serial(
    'a layer over its limit',
    refuses,
    'console',
    5,
    /--max-layer-size 10 kB: the layer has [\d.]+ \w+, compressed/,
    '--max-layer-size',
    '10KB',
  )

  test.serial('an answer, a program and a line make a service ready', async (t) => {
    for (const ready of [['cmd:python3 -c pass'], ['log:/GET/', 'http:8000/first']]) {
      const flags = ready.flatMap((spec) => ['--ready', spec])
      const { code, stdout } = await bake(t, 'lazy', '--dry-run', ...flags)
      t.is(code, 0, stdout)
    }
  })

  test.serial('what is given to runs only is nowhere afterwards', async (t) => {
    const directory = scratch(t, {
      env: `TOKEN=${SECRET}\n`,
      'plugin.py':
        'import sys, os\nsys.stderr.write("token %s\\n" % os.environ["TOKEN"])\nexec("x = %r" % os.environ["TOKEN"])\nimport re; re.compile(os.environ["TOKEN"])\n',
    })
    const trace = join(directory, 'trace.json')
    const program = 'import sys; sys.path.insert(0, "/plugins"); import plugin, orders.models'
    const { name, code, stdout, stderr } = await bake(
      ...([
        t,
        'database',
        '--app-output',
        'show',
        '--trace-out',
        trace,
        '--train-env-file',
        join(directory, 'env'),
      ] as const),
      ...['--mount', `${directory}:/plugins:ro`, '--add-host', 'secret-host:127.0.0.1'],
      ...['--', 'python3', '-c', program],
    )
    t.is(code, 0, stdout + stderr)
    t.regex(stderr, /token \*\*\*/)
    const { leftOut } = resultOf(stdout).archive
    t.true(leftOut.some((entry) => entry.name === 'plugin'))
    const inspected = await docker('image', 'inspect', name)
    const saved = join(directory, 'image.tar')
    await docker('save', '-o', saved, name)
    for (const text of [
      stdout,
      stderr,
      inspected,
      readFileSync(trace, 'latin1'),
      readFileSync(saved, 'latin1'),
    ]) {
      t.false(text.includes(SECRET))
      t.false(text.includes('secret-host'))
    }
  })

  test.serial(
    'a trace gives the layer that its training gave, without running the application',
    async (t) => {
      const trace = join(scratch(t), 'trace.json')
      const trained = resultOf((await bake(t, 'console', '--trace-out', trace)).stdout)
      const again = `${trace}-again`
      const { code, stdout } = await bake(
        t,
        'console',
        '--train',
        'none',
        '--trace-in',
        trace,
        '--trace-out',
        again,
      )
      t.is(code, 0, stdout)
      t.is(resultOf(stdout).layer.diffId, trained.layer.diffId)
      t.is(readFileSync(again, 'utf8'), readFileSync(trace, 'utf8'))
      t.regex(readFileSync(trace, 'utf8'), /return hash\(\(\\n +10{17}7,/)
      t.deepEqual(schemaErrors('trace', JSON.parse(readFileSync(trace, 'utf8'))), [])
    },
  )

  test.serial('a trace of another image is refused; of a changed one, what is here is taken', async (t) => {
    const trace = join(scratch(t), 'trace.json')
    const recorded = await pycds([
      'trace',
      await service('database'),
      '-o',
      trace,
      '--train',
      'imports',
      '--import',
      'orders.server',
    ])
    t.is(recorded.code, 0, recorded.stderr)
    const edited = JSON.parse(readFileSync(trace, 'utf8'))
    const text = (modules: object[]) => JSON.stringify({ ...edited, modules })
    const bakeWith = () => bake(t, 'database', '--dry-run', '--train', 'none', '--trace-in', trace)

    const moved = edited.modules.map((module: { origin: string }) => ({
      ...module,
      origin: module.origin.replace('/srv/', '/other/'),
    }))
    writeFileSync(trace, text(moved))
    const foreign = await bakeWith()
    t.is(foreign.code, 7)
    t.regex(
      foreign.stdout,
      /it is of another image: only \d+ of its \d+ modules are here; missing is \/other\/orders/,
    )

    const changed = edited.modules.map((module: { name: string; origin: string }) => {
      if (module.name === 'orders.models') return { ...module, sourceHash: '0'.repeat(16) }
      return module.name === 'json' ? { ...module, name: 'gone', origin: '/srv/gone.py' } : module
    })
    writeFileSync(trace, text(changed))
    const { code, stdout } = await bakeWith()
    t.is(code, 0, stdout)
    t.regex(resultOf(stdout).warnings.join('\n'), /1 modules of the trace .* have another source/)
    t.regex(resultOf(stdout).warnings.join('\n'), /1 modules of the trace .* are not in this image/)

    writeFileSync(trace, JSON.stringify({ ...edited, python: { ...edited.python, cacheTag: 'cpython-39' } }))
    t.regex((await bakeWith()).stdout, /it is of cpython-39, and the image runs cpython-311/)
  })
}
