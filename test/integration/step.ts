// SPDX-License-Identifier: Apache-2.0
// Bakes from a RUN instruction: real builds with the tool image, and what they leave in the image.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import test, { type ExecutionContext } from 'ava'
import type { DoctorResult } from '../../src/usecases/doctor.js'
import type { RecordResult } from '../../src/usecases/record.js'
import { baked } from '../helpers/baked.js'
import { build, buildKitClient, CLASSIC, lastLayer } from '../helpers/builds.js'
import { pycds, verifies } from '../helpers/cli.js'
import { docker } from '../helpers/engine.js'
import { type BaseImage, ensureImage, exampleImage, toolImage } from '../helpers/images.js'
import { declareUnless } from '../helpers/repetition.js'
import { run } from '../helpers/run.js'
import { temporary } from '../helpers/temporary.js'

const BASES: readonly BaseImage[] = ['bullseye', 'bookworm', 'trixie']
const PROGRAM = 'import flask, requests, json'

const tool = await toolImage()
const client = await buildKitClient()
const bases = new Map<BaseImage, string | undefined>()
for (const base of BASES) bases.set(base, await ensureImage(base))
const example = await exampleImage('02-command-line-tool', 'small')
const small = await ensureImage('small')
const nopyc = await ensureImage('bookworm-nopyc')

const classic = CLASSIC
const buildKit = client ?? { ...CLASSIC, buildKit: true }
const mount = `RUN --mount=from=${tool},target=/mnt`

/** The path of a layer's files, and those of its directories that are no parents of them. */
function grown(entries: ReadonlyMap<string, string>): { files: string[]; others: string[] } {
  const files = [...entries].filter(([, what]) => !what.startsWith('directory')).map(([path]) => path)
  const isParent = (path: string) => files.some((file) => file.startsWith(`${path}/`))
  return {
    files: files.sort(),
    others: [...entries.keys()].filter((path) => !files.includes(path) && !isParent(path)),
  }
}

function expectFour(t: ExecutionContext, files: readonly string[]): void {
  const [pth, runtime] = files.filter((path) => !path.startsWith('opt/'))
  t.deepEqual(
    files.filter((path) => path.startsWith('opt/')),
    ['opt/pycds/app.cds', 'opt/pycds/manifest.json'],
  )
  t.regex(pth ?? '', /-packages\/00-pycds\.pth$/)
  t.regex(runtime ?? '', /-packages\/_pycds\.abi3\.so$/)
  t.is(files.length, 4)
}

/** Python 3.9 imports sixteen modules before any hook can be there, of three hundred. */
const MIN_HIT_RATE: Partial<Record<BaseImage, number>> = { bullseye: 94 }

const verify = (t: ExecutionContext, image: string, ...command: string[]) =>
  verifies(t, image, 95, command.length > 0 ? ['--', ...command] : [])

/** sha256 of the last layer, uncompressed. */
async function lastDiffId(image: string): Promise<string | undefined> {
  const layers = await docker('image', 'inspect', '--format', '{{json .RootFS.Layers}}', image)
  return (JSON.parse(layers) as string[]).at(-1)
}

const start = async (image: string, env: Record<string, string>, program = PROGRAM) => {
  const variables = Object.entries(env).flatMap(([name, value]) => ['--env', `${name}=${value}`])
  return run('docker', ['run', '--rm', '--network', 'none', ...variables, image, 'python3', '-c', program])
}

/** Stores a file of the test in an image, by an instruction that needs no context. */
const storing = (file: string, path: string) => {
  const write = `import sys; open("${path}", "w").write(sys.argv[1])`
  return `RUN ${JSON.stringify(['python3', '-c', write, readFileSync(file, 'utf8')])}`
}

/** The trace of a program in a base image. */
async function record(t: ExecutionContext, program: string): Promise<{ file: string; modules: number }> {
  const file = join(temporary(t), 'trace.json')
  const words = ['trace', small ?? '', '-o', file, '--json', '--', 'python3', '-c', program]
  const { code, stdout, stderr } = await pycds(words)
  t.is(code, 0, stdout + stderr)
  return { file, modules: (JSON.parse(stdout) as RecordResult).modules }
}

const possible = tool !== undefined && small !== undefined
const withBuildKit = possible && client !== undefined ? test.serial : test.serial.skip
const withBuilder = possible ? test.serial : test.serial.skip

for (const [name, base] of bases) {
  const here =
    base === undefined || tool === undefined || client === undefined ? test.serial.skip : test.serial
  // The oldest and the newest have what the one between them has.
  const declare = declareUnless(name === 'bookworm', here)
  declare(`RUN --mount in ${name}: the image grows by four files, and modules come from them`, async (t) => {
    const training = `python3 -c '${PROGRAM}; open("/srv/made", "w").write("x")'`
    const baked = await build(t, buildKit, `FROM ${base}\n${mount} /mnt/pycds-image step -- ${training}\n`)
    t.is(baked.code, 0, baked.stderr)
    const { files, others } = grown(await lastLayer(t, baked.name))
    expectFour(t, files)
    // A directory in which something was made and removed is in the layer, as it was before; the others
    // are what a builder leaves of the places that it mounts something at.
    const left = ['srv', 'mnt', 'etc', 'dev', 'proc', 'sys', 'run']
    t.deepEqual(
      others.filter((path) => !left.includes(path)),
      [],
    )
    await verifies(t, baked.name, MIN_HIT_RATE[name] ?? 95, ['--', 'python3', '-c', PROGRAM])
  })
}

withBuilder(
  'two stages with the classic builder: four files and their parents, the same layer twice',
  async (t) => {
    const dockerfile = `FROM ${small} AS app
FROM app AS cds
COPY --from=${tool} / /pycds
ARG AGAIN
RUN ["/pycds/pycds-image", "step", "--output", "/out", "--", "python3", "-c", "${PROGRAM}"]
FROM app
COPY --from=cds /out/ /
`
    const first = await build(t, classic, dockerfile)
    t.is(first.code, 0, first.stderr + first.stdout)
    const second = await build(t, classic, dockerfile, '--build-arg', 'AGAIN=1')
    t.is(second.code, 0, second.stderr + second.stdout)
    t.is(await lastDiffId(second.name), await lastDiffId(first.name))
    const { files, others } = grown(await lastLayer(t, first.name))
    expectFour(t, files)
    t.deepEqual(others, [])
    await verify(t, first.name, 'python3', '-c', PROGRAM)
  },
)

withBuilder('a trace stands in for the run, and gives the layer that the run gives', async (t) => {
  const program = 'import json, email.message'
  const { file, modules } = await record(t, program)
  const dockerfile = (source: string[]) => `FROM ${small} AS app
FROM app AS cds
COPY --from=${tool} / /pycds
${storing(file, '/srv/trace.json')}
RUN ${JSON.stringify(['/pycds/pycds-image', 'step', '--output', '/out', ...source])}
FROM app
COPY --from=cds /out/ /
`
  const fromTrace = ['--train', 'none', '--trace-in', '/srv/trace.json']
  // What comes from a cache says nothing.
  const traced = await build(t, classic, dockerfile(fromTrace), '--no-cache')
  t.is(traced.code, 0, traced.stderr + traced.stdout)
  t.true(traced.stdout.includes(` ${modules} archived`), traced.stdout)
  const trained = await build(t, classic, dockerfile(['--', 'python3', '-c', program]))
  t.is(trained.code, 0, trained.stderr + trained.stdout)
  t.is(await lastDiffId(traced.name), await lastDiffId(trained.name))
})

const withoutBytecode = tool === undefined || nopyc === undefined ? test.serial.skip : test.serial
withBuilder('in a container that can isolate nothing, its own root can be baked all the same', async (t) => {
  const { file } = await record(t, 'import json')
  const instructions = [`FROM ${small}`, `COPY --from=${tool} / /pycds`, storing(file, '/srv/trace.json')]
  const { code, name, stderr } = await build(t, classic, instructions.join('\n'))
  t.is(code, 0, stderr)
  const confined = ['--user', '12345', '--cap-drop', 'ALL', '--security-opt', 'no-new-privileges']
  const inside = (...words: string[]) =>
    run('docker', ['run', '--rm', '--network', 'none', ...confined, name, '/pycds/pycds-image', ...words])
  const { checks } = JSON.parse((await inside('doctor', 'oci:/none', '--json')).stdout) as DoctorResult
  const runtime = checks.find(({ id }) => id === 'engine')
  t.is(runtime?.status, 'fail')
  t.regex(runtime?.fix ?? '', /pycds-image step/)
  for (const source of [
    ['--train', 'none', '--trace-in', '/srv/trace.json'],
    ['--import', 'json'],
  ]) {
    const baked = await inside('step', '--output', '/tmp/out', ...source)
    t.is(baked.code, 0, baked.stderr)
    t.regex(baked.stdout, /\/opt\/pycds\/app\.cds/)
  }
})

withoutBytecode('bytecode that the image does not have is added where that was asked for', async (t) => {
  const { code, name, stderr } = await build(
    t,
    classic,
    `FROM ${nopyc} AS app
FROM app AS cds
COPY --from=${tool} / /pycds
RUN ["/pycds/pycds-image", "step", "--pyc", "auto", "--output", "/out", "--", "python3", "-c", "import flask"]
FROM app
COPY --from=cds /out/ /
`,
  )
  t.is(code, 0, stderr)
  const { files } = grown(await lastLayer(t, name))
  const compiled = files.filter((path) => path.endsWith('.pyc'))
  t.true(compiled.some((path) => path.includes('/flask/__pycache__/')))
  expectFour(
    t,
    files.filter((path) => !compiled.includes(path)),
  )
  // Python itself takes it as its own: a module outside the archive is not compiled anew.
  const program =
    'import flask.testing as m, os; print(os.path.exists(m.__cached__), m.__spec__.loader.get_code(m.__name__) is not None)'
  t.is((await start(name, {}, program)).stdout, 'True True\n')
})

withBuildKit(
  'what only the training run makes is not in the image, and gets nothing beside it',
  async (t) => {
    const program = 'import json, email.message, generated, pkg.own; print("ok")'
    const script = [
      '[ -d /srv/env ] || python3 -m venv --without-pip /srv/env',
      'mkdir -p /srv/generated; echo "x = 1" >/srv/generated/__init__.py; echo "x = 1" >/srv/pkg/later.py',
      `PYTHONPATH=/srv exec /srv/env/bin/python -c '${program}'`,
    ]
    const { code, name, stderr } = await build(
      t,
      buildKit,
      `FROM ${small}
RUN mkdir /srv/pkg && cd /srv/pkg && touch __init__.py own.py other.py
RUN ${JSON.stringify(['python3', '-c', 'import sys; open("/start.sh", "w").write(sys.argv[1])', script.join('\n')])}
${mount} /mnt/pycds-image step --pyc all -- sh /start.sh
`,
    )
    t.is(code, 0, stderr)
    t.regex(stderr, /\/srv\/env is not in the image, a start makes it/)
    const paths = [...(await lastLayer(t, name)).keys()].filter((path) => path.startsWith('srv/'))
    t.deepEqual(paths.sort(), ['srv/pkg', 'srv/pkg/__pycache__', 'srv/pkg/__pycache__/other.cpython-311.pyc'])
    const { stdout } = await run('docker', ['run', '--rm', '--network', 'none', name, 'sh', '/start.sh'])
    t.is(stdout, 'ok\n')
  },
)

withBuildKit('a command runs with all groups of the user that is named', async (t) => {
  const { code, stderr } = await build(
    t,
    buildKit,
    `FROM ${small}
RUN echo app:x:64000:64000::/:/bin/sh >>/etc/passwd && echo data:x:64001:app >>/etc/group && \\
    echo x >/srv/f && chgrp data /srv/f && chmod 640 /srv/f
${mount} /mnt/pycds-image step --user app -- python3 -c 'import json; open("/srv/f")'
`,
  )
  t.is(code, 0, stderr)
})

withBuildKit('an image with nothing but Python and its libraries, without a shell', async (t) => {
  const libraries = [
    'libc.so.6',
    'libm.so.6',
    'libz.so.1',
    'libexpat.so.1',
    'libssl.so.3',
    'libcrypto.so.3',
    'libffi.so.8',
  ]
  const folder = '/lib/x86_64-linux-gnu'
  const program = 'import http.client, json, asyncio, ssl'
  const { code, name, stderr } = await build(
    t,
    buildKit,
    `FROM ${small} AS full
FROM scratch
COPY --from=full /usr/bin/python3.11 /usr/bin/python3
COPY --from=full /usr/lib/python3.11 /usr/lib/python3.11
COPY --from=full /usr/lib/python3/dist-packages /usr/lib/python3/dist-packages
COPY --from=full /lib64/ld-linux-x86-64.so.2 /lib64/
COPY --from=full ${libraries.map((library) => `${folder}/${library}`).join(' ')} ${folder}/
${mount} ["/mnt/pycds-image", "step", "--", "/usr/bin/python3", "-c", "${program}"]
`,
  )
  t.is(code, 0, stderr)
  expectFour(t, grown(await lastLayer(t, name)).files)
  await verify(t, name, '/usr/bin/python3', '-c', program)
})

withBuildKit(
  "as the image's user: beside the runtime where that user may write, a clear message where not",
  async (t) => {
    const site = '/usr/local/lib/python3.11/dist-packages'
    const dockerfile = (owner: number) => `FROM ${small}
RUN chown ${owner} ${site}
USER 1000
${mount} /mnt/pycds-image step --import flask --import requests
`
    const allowed = await build(t, buildKit, dockerfile(1000))
    t.is(allowed.code, 0, allowed.stderr)
    const listing = await start(
      allowed.name,
      {},
      `import os; print(*sorted(os.listdir("${site}/_pycds.data")))`,
    )
    t.is(listing.stdout, 'app.cds manifest.json\n')
    await verify(t, allowed.name, 'python3', '-c', PROGRAM)
    const refused = await build(t, buildKit, dockerfile(0))
    t.not(refused.code, 0)
    t.regex(
      refused.stderr,
      /Error: \/usr\/local\/lib\/python3\.11\/dist-packages\/\S+: user 1000 may not write there/,
    )
  },
)

withBuilder('on a baked base the new archive is found, and the dead one told', async (t) => {
  const bakedBase = (await baked(small ?? '', '--', 'python3', '-c', 'import json')).name
  const dockerfile = (user: string, env = '') => `FROM ${bakedBase} AS app
RUN chown 1000 /usr/local/lib/python3.11/dist-packages
${user}
${env}
COPY --from=${tool} / /pycds
RUN ["/pycds/pycds-image", "step", "--", "python3", "-c", "${PROGRAM}"]
`
  const { code, name, stdout, stderr } = await build(t, classic, dockerfile('USER root'))
  t.is(code, 0, stdout + stderr)
  t.regex(stdout + stderr, /an earlier bake has left \/opt\/pycds\/app\.cds, which stays in a lower layer/)
  await verify(t, name, 'python3', '-c', PROGRAM)
  // Another user cannot write there, and the variable of the base would win.
  const hidden = await build(t, classic, dockerfile('USER 1000'))
  t.not(hidden.code, 0)
  t.regex(hidden.stdout + hidden.stderr, /PYCDS_ARCHIVE in the environment is \/opt\/pycds\/app\.cds/)
  const beside = '/usr/local/lib/python3.11/dist-packages/_pycds.data/app.cds'
  const told = await build(t, classic, dockerfile('USER 1000', `ENV PYCDS_ARCHIVE=${beside}`))
  t.is(told.code, 0, told.stdout + told.stderr)
  await verify(t, told.name, 'python3', '-c', PROGRAM)
})

withBuildKit(
  'PYCDS=off and an empty PYCDS_ARCHIVE win over a hook that finds its archive by itself',
  async (t) => {
    const { code, name, stderr } = await build(
      t,
      buildKit,
      `FROM ${small}\n${mount} /mnt/pycds-image step --import flask\n`,
    )
    t.is(code, 0, stderr)
    const program = 'import sys; print("_pycds" in sys.modules)'
    t.is((await start(name, {}, program)).stdout, 'True\n')
    t.is((await start(name, { PYCDS: 'off' }, program)).stdout, 'False\n')
    t.is((await start(name, { PYCDS_ARCHIVE: '' }, program)).stdout, 'False\n')
    t.regex(
      (await start(name, { PYCDS: 'require', PYCDS_ARCHIVE: '/none' }, program)).stderr,
      /\/none is not used/,
    )
  },
)

withBuildKit(
  'a build goes on without an archive when it was told to, and fails with a reason otherwise',
  async (t) => {
    const dockerfile = (options: string) => `FROM ${small}\n${mount} /mnt/pycds-image step ${options}\n`
    const skipped = await build(t, buildKit, dockerfile('--on-failure skip -- python3 -c "1/0"'))
    t.is(skipped.code, 0, skipped.stderr)
    t.regex(skipped.stderr, /Warning: not baked: .*ZeroDivisionError/)
    t.notRegex(skipped.stderr, /Error: .*ZeroDivisionError/)
    t.is((await start(skipped.name, {}, 'import os; print(os.path.exists("/opt/pycds"))')).stdout, 'False\n')
    for (const [options, reason] of [
      ['-- python3 -c "import json; 1/0"', /exit code 1 after \d+ imports: ZeroDivisionError/],
      ['-- python4 app.py', /python4 cannot be started: there is no such program/],
      ['', /neither a command nor a module to import was given/],
    ] as const) {
      const failed = await build(t, buildKit, dockerfile(options))
      t.not(failed.code, 0)
      t.regex(failed.stderr, reason)
    }
  },
)

for (const builder of [buildKit, classic]) {
  const name = builder.buildKit ? 'buildkit' : 'classic'
  const here =
    example === undefined || (builder.buildKit && client === undefined) ? test.serial.skip : withBuilder
  here(
    `generate prints what the ${name} builder makes a baked image of, which starts as its user`,
    async (t) => {
      const words = ['generate', example ?? '', '--builder', name, '--tool', tool ?? '']
      const { code, stdout, stderr } = await pycds(words)
      t.is(code, 0, stderr)
      const built = await build(t, builder, stdout)
      t.is(built.code, 0, built.stdout + built.stderr)
      const config = (image: string) =>
        docker('image', 'inspect', '--format', '{{json .Config.Entrypoint}} {{.Config.User}}', image)
      t.is((await config(built.name)).replace(/ root$/, ''), await config(example ?? ''))
      await verify(t, built.name)
    },
  )
}
