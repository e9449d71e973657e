// SPDX-License-Identifier: Apache-2.0
// An image that was baked with a snapshot goes on in it, and one for which there can be none has the archive alone.
import { join } from 'node:path'
import test, { type ExecutionContext } from 'ava'
import type { BakeResult } from '../../src/usecases/result.js'
import type { VerifyResult } from '../../src/usecases/verify.js'
import { baked } from '../helpers/baked.js'
import { build, CLASSIC } from '../helpers/builds.js'
import { bakes, pycds, verifies } from '../helpers/cli.js'
import { docker, imageName } from '../helpers/engine.js'
import { ensureImage, exampleImage, toolImage } from '../helpers/images.js'
import { Podman } from '../helpers/podman.js'
import { inRepository } from '../helpers/repository.js'
import { DEADLINE_MS, run } from '../helpers/run.js'
import { schemaErrors } from '../helpers/schemas.js'
import { DRAW_MS, differentValues, HARDENED } from '../helpers/snapshot-image.js'
import { temporary } from '../helpers/temporary.js'
import { portion, TIER } from '../helpers/tier.js'

const isPossible = process.arch === 'x64'
const shop = isPossible ? await exampleImage('01-flask-service', 'small') : undefined
const base = isPossible ? await ensureImage('minimal') : undefined
const tool = isPossible && TIER === 'all' ? await toolImage() : undefined
const job = isPossible && TIER === 'all' ? await exampleImage('03-numpy-job', 'bookworm') : undefined
const trixie = isPossible && TIER === 'all' ? await ensureImage('trixie') : undefined
const podman =
  isPossible && TIER === 'all' && shop !== undefined
    ? await Podman.start('rootful')
    : 'it is for the whole tier'
const withShop = shop === undefined ? test.skip : test
const withBase = base === undefined ? test.skip : test

withShop('a service goes on in the snapshot of its image, and does what it did', async (t) => {
  t.timeout(DEADLINE_MS)
  const { name, result } = await baked(shop ?? '', '--snapshot', '--probe', 'GET:8000/')
  t.deepEqual(schemaErrors('bake', result), [])
  const { snapshot } = result
  t.is(snapshot?.reason, null)
  t.like(snapshot, { path: '/opt/pycds/app.snap', programs: [{ kind: 'module', text: 'shop' }] })
  t.is(snapshot?.thaws?.starts, 20)
  t.true((snapshot?.modules ?? 0) > 200, JSON.stringify(snapshot))
  // Of Flask alone it is 5 MB: there are requests and urllib3 in it, too.
  t.true((snapshot?.compressedBytes ?? Number.POSITIVE_INFINITY) < 6_500_000)
  t.true((snapshot?.compressedBytes ?? 0) < result.layer.compressedBytes)
  for (const { code, because } of snapshot?.leftOut ?? []) t.truthy(code && because)

  const verified = await pycds(['verify', name, '--json', '--probe', 'GET:8000/'])
  t.is(verified.code, 0, verified.stdout + verified.stderr)
  const { scenarios } = JSON.parse(verified.stdout) as VerifyResult
  for (const { snapshot: thawed, hitRate } of scenarios) {
    t.true((thawed?.modules ?? 0) > 200, verified.stdout)
    t.true(hitRate > 90)
  }
  const inspected = await pycds(['inspect', name])
  t.regex(
    inspected.stdout,
    /snapshot\s+\/opt\/pycds\/app\.snap .*modules ready\n\s+serves\s+python -m shop\n/,
  )

  // As process 1, and by other words than the image's own; a program that it is not for starts as ever.
  const words = ['python3', '-m', 'shop', '--help']
  for (const [snapshotIs, said] of [
    ['1', /^pycds\[1\]: snapshot thawed in/m],
    ['off', /^pycds\[1\]: snapshot OFF$/m],
  ] as const) {
    const started = await startSoon(t, name, ['--env', `PYCDS_SNAPSHOT=${snapshotIs}`], words)
    t.regex(started, said)
  }
  t.regex(await startSoon(t, name, [], ['python3', '-c', 'pass']), /^pycds\[1\]: snapshot OTHER_PROGRAM$/m)
})

const UNIQUE = portion(1_000)

/** What the containers of an image draw whose program is replaced by one that does: by name, how many values there are. */
function drawn(t: ExecutionContext, image: string, program: string): Promise<Map<string, number>> {
  const mount = `${inRepository('test/fixtures/snapshot/draws.py')}:${program}:ro`
  const words = ['run', '--rm', ...HARDENED, '--env', 'PYCDS_LOG=1', '--volume', mount, image]
  return differentValues(
    UNIQUE,
    () => run('docker', words),
    ({ code, stderr }) => {
      t.is(code, 0, stderr)
      t.regex(stderr, /^pycds\[1\]: snapshot thawed in/m)
    },
  )
}

withShop(`each of ${UNIQUE} containers of one snapshot draws values of its own`, async (t) => {
  t.timeout(DEADLINE_MS + UNIQUE * DRAW_MS)
  const { name } = await baked(shop ?? '', '--snapshot', '--probe', 'GET:8000/')
  const drawings = await drawn(t, name, '/srv/shop/__main__.py')
  t.true(drawings.size >= 6)
  for (const [what, different] of drawings) t.is(different, UNIQUE, what)
})

const withJob = job === undefined ? test.skip : test

withJob(`each of ${UNIQUE} containers in which numpy is ready draws values of its own`, async (t) => {
  t.timeout(DEADLINE_MS + UNIQUE * DRAW_MS)
  const { name, result } = await baked(job ?? '', '--snapshot')
  t.like(result.snapshot, { reason: null, leftOut: [] })
  const drawings = await drawn(t, name, '/job/job.py')
  t.true(drawings.has('generator'))
  for (const [what, different] of drawings) t.is(different, UNIQUE, what)
})

const inBuild = tool === undefined || shop === undefined ? test.skip : test

inBuild('a build step makes a snapshot, in which containers of its image go on', async (t) => {
  t.timeout(DEADLINE_MS)
  const lines = [
    `FROM ${shop} AS step`,
    'USER root',
    `COPY --from=${tool} / /pycds`,
    'RUN ["/pycds/pycds-image", "step", "--here", "--user", "10001:10001", "--output", "/out", "--snapshot", "--ready", "port:8000", "--", "python3", "-m", "shop"]',
    `FROM ${shop}`,
    'COPY --from=step /out/ /',
  ]
  const built = await build(t, CLASSIC, `${lines.join('\n')}\n`)
  t.is(built.code, 0, built.stdout + built.stderr)
  t.regex(built.stdout + built.stderr, /snapshot\s+\d+ modules ready/)
  // Its imports were watched though nothing is loaded from /dev/shm there: of a generator it is known that it is drawn anew.
  t.notRegex(built.stdout + built.stderr, /left out .* random/)
  t.regex(await startSoon(t, built.name, [], ['python3', '-m', 'shop']), /^pycds\[1\]: snapshot thawed in/m)
})

const withPodman = typeof podman === 'string' ? test.skip : test
test.after.always(async () => {
  if (typeof podman !== 'string') await podman.stop()
})

withPodman('Podman freezes and thaws an image of its own', async (t) => {
  t.timeout(DEADLINE_MS)
  if (typeof podman === 'string') return
  const archive = join(temporary(t), 'image.tar')
  await docker('save', '-o', archive, shop ?? '')
  const loaded = await podman.client('load', '--quiet', '--input', archive)
  t.is(loaded.code, 0, loaded.stderr)
  const env = { DOCKER_HOST: podman.host }
  const words = [shop ?? '', '-t', 'frozen:1', '--snapshot', '--probe', 'GET:8000/']
  const { snapshot } = await bakes(t, words, { env })
  t.is(snapshot?.reason, null)
  t.is(snapshot?.thaws?.starts, 20)
  const { scenarios } = await verifies(t, 'frozen:1', 80, ['--probe', 'GET:8000/'], { env })
  for (const { snapshot: thawed } of scenarios) t.true((thawed?.modules ?? 0) > 200)
})

/** What a hardened container writes until it has said what became of its snapshot. */
async function startSoon(
  t: ExecutionContext,
  image: string,
  options: readonly string[],
  words: readonly string[],
) {
  const container = `${imageName(t).replace(/\W/g, '-')}-${Math.random().toString(36).slice(2)}`
  const all = [
    'run',
    '--rm',
    '--name',
    container,
    '--env',
    'PYCDS_LOG=1',
    ...HARDENED,
    ...options,
    image,
    ...words,
  ]
  const { stderr } = await run(
    'sh',
    [
      '-c',
      'docker "$@" 2>&1 >/dev/null | { sed "/snapshot/q" >&2; docker rm -f "$CONTAINER" >/dev/null 2>&1; }',
      'sh',
      ...all,
    ],
    { env: { CONTAINER: container } },
  )
  return stderr
}

/** Names its libraries itself, before it goes on as the program. */
const WRAPPER = '#!/bin/sh\nexport PYTHONPATH=/opt/lib TZ=Asia/Tokyo\nexec python3 /srv/app.py\n'
const WRAPPED = [
  'import asyncio, unittest.mock, email.message, xml.dom.minidom, multiprocessing, sys, time',
  'import own',
  'print(sys.path[1:], time.tzname, own.__name__)',
]

withBase(
  'variables that a shell exports before it starts the program are those of its snapshot',
  async (t) => {
    t.timeout(DEADLINE_MS)
    const dockerfile = [
      `FROM ${base}`,
      'COPY app.py start.sh /srv/',
      'COPY own.py /opt/lib/',
      'CMD ["sh", "/srv/start.sh"]',
    ]
    const files = {
      'app.py': `${WRAPPED.join('\n')}\n`,
      'own.py': '',
      'start.sh': WRAPPER,
      Dockerfile: `${dockerfile.join('\n')}\n`,
    }
    const image = imageName(t)
    await docker('build', '--quiet', '--network', 'none', '-t', image, temporary(t, files))
    const name = imageName(t)
    const { snapshot } = await bakes(t, [image, '-t', name, '--snapshot', '--snapshot-include', 'own'])
    t.like(snapshot, { reason: null, leftOut: [] })
    const start = (of: string, options: string[] = [], words: string[] = []) =>
      run('docker', ['run', '--rm', '--env', 'PYCDS_LOG=1', ...options, of, ...words])
    const plain = await start(image)
    const started = await start(name)
    t.is(started.stdout, plain.stdout)
    t.regex(started.stderr, /^pycds\[1\]: snapshot thawed in/m)
    t.regex(started.stderr, /^pycds\[1\]: ready own/m)
    // Another program of the image has none of that.
    const direct = await start(name, ['--env', 'PYTHONPATH=/opt/lib'], ['python3', '/srv/app.py'])
    t.is(direct.code, 0)
    t.regex(direct.stderr, /^pycds\[1\]: snapshot ENVIRONMENT: \w+$/m)
    const doctor = await pycds(['doctor', name])
    t.regex(doctor.stdout, /containers here go on in it/, doctor.stdout + doctor.stderr)
  },
)

const withTrixie = trixie === undefined ? test.skip : test

// Its interpreter takes allocators down when it starts, and the secret of hash() can be set.
withTrixie('a program and a library that trace memory do so in a snapshot', async (t) => {
  t.timeout(DEADLINE_MS)
  const dockerfile = [
    `FROM ${trixie}`,
    'COPY traces.py /usr/lib/python3/dist-packages/',
    'COPY app.py /srv/app.py',
    'CMD ["python3", "/srv/app.py"]',
  ]
  const program = [
    'import asyncio, unittest.mock, email.message, xml.dom.minidom, multiprocessing, sys, tracemalloc',
    'if sys.argv[1:]: import traces',
    'else: tracemalloc.start()',
    'kept = [object() for _ in range(100)]',
    'print(tracemalloc.get_traced_memory()[0] > 0)',
  ]
  const files = {
    'app.py': `${program.join('\n')}\n`,
    'traces.py': 'import tracemalloc\ntracemalloc.start()\n',
    Dockerfile: `${dockerfile.join('\n')}\n`,
  }
  const image = imageName(t)
  await docker('build', '--quiet', '--network', 'none', '-t', image, temporary(t, files))
  const name = imageName(t)
  const words = ['python3', '/srv/app.py', 'library']
  const { snapshot } = await bakes(t, [image, '-t', name, '--snapshot', '--', ...words])
  t.is(snapshot?.reason, null)
  t.deepEqual(
    snapshot?.leftOut.map((one) => [one.name, one.code]),
    [['traces', 'INTERPRETER']],
  )
  for (const more of [[], words]) {
    const started = await run('docker', ['run', '--rm', '--env', 'PYCDS_LOG=1', name, ...more])
    t.is(started.stdout, 'True\n', started.stderr)
    t.regex(started.stderr, /^pycds\[1\]: snapshot thawed in/m)
  }
})

withBase('where an interpreter cannot be frozen the archive is alone, and the bake says why', async (t) => {
  t.timeout(DEADLINE_MS)
  const dockerfile = [
    `FROM ${base}`,
    'COPY app.py /srv/app.py',
    `RUN python3 -c 'import site; open(site.getsitepackages()[0] + "/zz.pth", "w").write("import sys; sys.mine = 1\\n")'`,
    'CMD ["python3", "/srv/app.py"]',
  ]
  const files = {
    'app.py': 'import json, email.message\nprint(1)\n',
    Dockerfile: `${dockerfile.join('\n')}\n`,
  }
  const image = imageName(t)
  await docker('build', '--quiet', '--network', 'none', '-t', image, temporary(t, files))
  const name = imageName(t)
  const outcome = await pycds(['bake', image, '-t', name, '--snapshot', '--measure', '0', '--json'])
  t.is(outcome.code, 0, outcome.stderr)
  const { snapshot } = JSON.parse(outcome.stdout) as BakeResult
  t.like(snapshot, { path: null, modules: 0, thaws: null })
  t.regex(snapshot?.reason ?? '', /zz\.pth runs code of its own at each start$/)
  const started = await run('docker', ['run', '--rm', '--env', 'PYCDS_LOG=1', name])
  t.is(started.stdout, '1\n')
  t.regex(started.stderr, /^pycds\[1\]: served email\.message$/m)
  t.notRegex(started.stderr, /snapshot/)
})

/** What a program does before it imports libraries, and what these have of it: by module. */
const CHANGED_BEFORE: Readonly<Record<string, string>> = {
  settings: 'OPTIONS = {}\ndef now(): return 0\n',
  takes: 'from settings import now\n',
  reads: 'import settings\nWIDTH = settings.OPTIONS.get("width", 40)\n',
  makes: 'import settings\nDEEP = settings.OPTIONS.get("deep")\ndef depth(): return DEEP and len(DEEP)\n',
  untouched: 'import email.message\nWIDTH = 40\n',
}

withBase('what the program has changed before a library is imported is in what that has', async (t) => {
  t.timeout(DEADLINE_MS)
  const program = [
    'import settings',
    'settings.OPTIONS.update(width=80, deep=[1])',
    'settings.now = lambda: 1',
    'import takes, reads, makes, untouched, asyncio, unittest.mock, xml.dom.minidom',
    'print(takes.now(), reads.WIDTH, makes.depth(), untouched.WIDTH)',
  ]
  const dockerfile = [
    `FROM ${base}`,
    'COPY app.py /srv/',
    'COPY lib /usr/local/lib/python3.11/dist-packages/',
    'CMD ["python3", "/srv/app.py"]',
  ]
  const libraries = Object.entries(CHANGED_BEFORE).map(([name, text]) => [`lib/${name}.py`, text])
  const files = {
    ...Object.fromEntries(libraries),
    'app.py': `${program.join('\n')}\n`,
    Dockerfile: `${dockerfile.join('\n')}\n`,
  }
  const image = imageName(t)
  await docker('build', '--quiet', '--network', 'none', '-t', image, temporary(t, files))
  const name = imageName(t)
  const { snapshot } = await bakes(t, [image, '-t', name, '--snapshot'])
  t.like(snapshot, { reason: null })
  t.deepEqual(
    snapshot?.leftOut.map(({ name, code, detail }) => [name, code, detail]),
    [
      ['takes', 'TRAINING', 'now'],
      ['reads', 'TRAINING', 'WIDTH'],
      ['makes', 'TRAINING', 'DEEP'],
    ],
  )
  const started = await run('docker', ['run', '--rm', '--env', 'PYCDS_LOG=1', name])
  t.is(started.stdout, '1 80 1 40\n')
  t.regex(started.stderr, /^pycds\[1\]: ready untouched/m)
})

withBase(
  'where the application itself does not gain by it the archive is alone, and the bake says why',
  async (t) => {
    t.timeout(DEADLINE_MS)
    const dockerfile = [`FROM ${base}`, 'COPY app.py /srv/app.py', 'CMD ["python3", "/srv/app.py"]']
    // As programs do that bring an interpreter into another state before they import what they serve. Nothing of that gets hold of it.
    const program = [
      'import functools',
      'functools.singledispatchmethod = type("Other", (functools.singledispatchmethod,), {})',
      'import asyncio, unittest.mock, email.message, multiprocessing',
      'print(1)',
    ]
    const files = { 'app.py': `${program.join('\n')}\n`, Dockerfile: `${dockerfile.join('\n')}\n` }
    const image = imageName(t)
    await docker('build', '--quiet', '--network', 'none', '-t', image, temporary(t, files))
    const name = imageName(t)
    const { snapshot } = await bakes(t, [image, '-t', name, '--snapshot'])
    t.is(snapshot?.path, null)
    const reason =
      /^the application, .* less than a tenth saved: \d+ of \d+ import statements .*\(functools: something in it was replaced: singledispatchmethod\); import before that/
    t.regex(snapshot?.reason ?? '', reason)
  },
)
