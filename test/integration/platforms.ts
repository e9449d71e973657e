// SPDX-License-Identifier: Apache-2.0
// An index with real images for two processors: one is run, the other learns from it, and its own Python, in an
// emulator, takes its modules from the archive. A third image is left as it is.
import { execFileSync } from 'node:child_process'
import { existsSync, mkdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import test, { type ExecutionContext } from 'ava'
import { type Descriptor, MEDIA_TYPES, sha256DiffId } from '../../src/image/index.js'
import { packTar } from '../../src/tar/index.js'
import type { InspectResult } from '../../src/usecases/inspect.js'
import type { BakePlatformsResult } from '../../src/usecases/result.js'
import * as cli from '../helpers/cli.js'
import { startDockerRegistry } from '../helpers/docker-registry.js'
import { contentOf, LayoutMaker, named } from '../helpers/layout.js'
import { commonPython, PLATFORMS } from '../helpers/processors.js'
import { DEADLINE_MS, has, run } from '../helpers/run.js'
import { schemaErrors } from '../helpers/schemas.js'
import { EMULATOR } from '../helpers/start.js'
import { file } from '../helpers/tar.js'
import { temporary } from '../helpers/temporary.js'

const python = commonPython()
const declare = python !== undefined && process.arch === 'x64' ? test.serial : test.serial.skip
const why = python === undefined ? ' (there are no roots for both with the same Python)' : ''
const hasRegistry = (await has('docker-registry')) && (await has('skopeo'))
const declareInRegistry =
  python !== undefined && process.arch === 'x64' && hasRegistry ? test.serial : test.serial.skip

const APP = {
  'main.py': 'import app, json, here\nprint(app.answer()(), json.dumps({"a": [here.NAME]}))\n',
  'app.py':
    'import re\ndef answer(a=(1, "x"), *, b={"k", 2}):\n    return lambda: (a, sorted(map(str, b)), 2**70, re.sub("a+(b|c)", "-", "xaaby"))\n',
}

/** An image of a root's Python and the application, of which one module differs between the platforms. */
async function imageOf(layout: LayoutMaker, { architecture, root, triplet }: (typeof PLATFORMS)[number]) {
  const paths = [`usr/bin/${python}`, `usr/lib/${python}`, `usr/lib/${triplet}`, 'usr/lib/python3', 'lib']
  const more = ['lib64', 'usr/lib64', 'usr/lib/ld-linux-aarch64.so.1', `usr/local/lib/${python}`]
  const present = [...paths, ...more].filter((path) => existsSync(join(root, path)))
  const args = ['-C', root, '--exclude=__pycache__', '--exclude=test', '--sort=name', '-cf', '-', ...present]
  const base = execFileSync('tar', args, { maxBuffer: 2 ** 29 })
  const sources = { ...APP, 'here.py': `NAME = ${JSON.stringify(architecture)}\n` }
  const app = await packTar(Object.entries(sources).map(([name, text]) => file(`srv/${name}`, text)))
  const tars = [base, app]
  const config = {
    architecture,
    os: 'linux',
    created: '2024-05-01T12:00:00Z',
    config: {
      Cmd: [`/usr/bin/${python}`, '/srv/main.py'],
      Env: ['PATH=/usr/bin'],
      Labels: { kept: 'label' },
    },
    rootfs: { type: 'layers', diff_ids: tars.map(sha256DiffId) },
    history: [{ created_by: 'base' }, { created_by: 'app' }],
  }
  const manifest = {
    schemaVersion: 2,
    mediaType: MEDIA_TYPES.manifest,
    config: layout.blob(MEDIA_TYPES.config, config),
    layers: tars.map((tar) => layout.blob(MEDIA_TYPES.layerGzip, gzipSync(tar, { level: 1 }))),
    annotations: { 'org.opencontainers.image.base.name': 'base:1' },
  }
  return layout.blob(MEDIA_TYPES.manifest, manifest, { platform: { os: 'linux', architecture } })
}

/** A layout with an index of such images, and one for a processor that is never baked for. */
async function makeIndex(t: ExecutionContext): Promise<{ layout: LayoutMaker; other: Descriptor }> {
  const layout = new LayoutMaker(join(temporary(t), 'layout'))
  const images: Descriptor[] = []
  for (const one of PLATFORMS) images.push(await imageOf(layout, one))
  const platform = { os: 'linux', architecture: 's390x' }
  const other = await layout.image([[file('a', 's390x')]], {
    architecture: 's390x',
    descriptor: { platform },
  })
  const index = { schemaVersion: 2, mediaType: MEDIA_TYPES.index, manifests: [...images, other] }
  layout.index([named(layout.blob(MEDIA_TYPES.index, index), '1')])
  return { layout, other }
}

async function pycds(t: ExecutionContext, ...args: string[]): Promise<string> {
  const { code, stdout, stderr } = await cli.pycds(args)
  t.is(code, 0, `${args.join(' ')}: ${stdout}${stderr}`)
  return stdout
}

declare(`an arm64 image gets its archive from the run of the amd64 image${why}`, async (t) => {
  t.timeout(DEADLINE_MS)
  const { layout, other } = await makeIndex(t)
  const bake = [
    'bake',
    `oci:${layout.path}:1`,
    '--platform',
    'linux/amd64,linux/arm64',
    '--measure',
    '0',
    '--json',
  ]

  const plan = JSON.parse(await pycds(t, ...bake, '--snapshot', '--dry-run')) as BakePlatformsResult
  t.is(plan.output, null)
  t.deepEqual(
    plan.platforms.map((one) => one.platform),
    ['linux/amd64', 'linux/arm64'],
  )
  const [whole, still] = plan.platforms.map(({ result }) => result.snapshot?.reason ?? '')
  t.regex(still ?? '', /cannot run linux\/arm64/)
  t.notRegex(whole ?? '', /cannot run/)

  const before = contentOf(layout.path)
  t.is((await cli.pycds([...bake, '--max-layer-size', '1KB'])).code, 5)
  t.deepEqual(contentOf(layout.path), before)

  const result = JSON.parse(await pycds(t, ...bake)) as BakePlatformsResult
  t.deepEqual(schemaErrors('bake-platforms', result), [])
  const [amd64, arm64] = result.platforms
  t.is(arm64?.trainedOn, 'linux/amd64')
  t.true((arm64?.result.archive.modules ?? 0) > 10)
  t.is(arm64?.result.archive.modules, amd64?.result.archive.modules)
  t.not(arm64?.result.python.buildId, amd64?.result.python.buildId)
  t.regex(arm64?.result.warnings.join('\n') ?? '', /another source in this image/)

  const digest = result.output?.digest as Descriptor['digest']
  const index = JSON.parse(readFileSync(layout.blobPath({ digest }), 'utf8')) as { manifests: Descriptor[] }
  t.is(index.manifests[2]?.digest, other.digest)
  t.deepEqual(
    index.manifests.map((one) => one.platform?.architecture),
    ['amd64', 'arm64', 's390x'],
  )

  const baked = `oci:${layout.path}:1-cds`
  const inspected = JSON.parse(
    await pycds(t, 'inspect', baked, '--platform', 'linux/arm64', '--json'),
  ) as InspectResult
  t.is(JSON.stringify(inspected).includes(arm64?.result.python.buildId ?? '-'), true)

  if (!existsSync(EMULATOR)) return t.log('there is no emulator: the arm64 Python was not run')
  const root = join(temporary(t), 'root')
  mkdirSync(root)
  const { config, layers } = JSON.parse(
    readFileSync(layout.blobPath(index.manifests[1] as Descriptor), 'utf8'),
  ) as { config: Descriptor; layers: Descriptor[] }
  t.regex(readFileSync(layout.blobPath(config), 'utf8'), /PYCDS_ARCHIVE=\/opt\/pycds\/app\.cds/)
  for (const layer of layers) execFileSync('tar', ['-C', root, '-xzf', layout.blobPath(layer)])
  const start = (mode: string) =>
    run(EMULATOR, [
      ...['-L', root],
      // Its own idea of where it is, from which it finds its library.
      ...['-0', `/usr/bin/${python}`],
      ...['PYCDS_ARCHIVE=/opt/pycds/app.cds', `PYCDS=${mode}`, 'PYCDS_LOG=modules'].flatMap((pair) => [
        '-E',
        pair,
      ]),
      ...[join(root, 'usr/bin', python ?? ''), '-B', '/srv/main.py'],
    ])
  const stock = await start('off')
  const served = await start('require')
  t.regex(stock.stdout, /"arm64"/)
  t.is(served.stdout, stock.stdout)
  for (const name of ['app', 'here', 'json.decoder']) t.regex(served.stderr, new RegExp(`served ${name}\\b`))
})

/** The entries of an index that was baked: whoever copies it reads each blob, and compares it with its digest. */
async function copyOf(
  t: ExecutionContext,
  name: string,
  { output }: BakePlatformsResult,
): Promise<Descriptor[]> {
  const copy = join(temporary(t), 'copy')
  const from = ['copy', '-q', '--all', '--preserve-digests', '--src-tls-verify=false']
  const read = await run('skopeo', [...from, `docker://${name}`, `oci:${copy}:copy`])
  t.is(read.code, 0, read.stderr)
  const digest = output?.digest as Descriptor['digest']
  const index = readFileSync(new LayoutMaker(copy).blobPath({ digest }), 'utf8')
  return (JSON.parse(index) as { manifests: Descriptor[] }).manifests
}

declareInRegistry(
  `an index of a registry goes to another registry, and back into its own: two images baked, the third as it is${why}`,
  async (t) => {
    t.timeout(DEADLINE_MS)
    const { layout, other } = await makeIndex(t)
    const [first, second] = [await startDockerRegistry(t), await startDockerRegistry(t)]
    const options = ['copy', '-q', '--all', '--preserve-digests', '--dest-tls-verify=false']
    const seeded = await run('skopeo', [
      ...options,
      `oci:${layout.path}:1`,
      `docker://${first.host}/team/app:1`,
    ])
    t.is(seeded.code, 0, seeded.stderr)
    const bake = ['bake', `registry:${first.host}/team/app:1`, '--measure', '0', '--json', '--platform']
    const target = `registry:${second.host}/app:2`

    const alone = await cli.pycds([...bake, 'linux/s390x', '-o', target])
    t.is(alone.code, 4, alone.stdout + alone.stderr)
    t.is((await cli.pycds(['doctor', target])).code, 7)

    const output = await pycds(t, ...bake, 'linux/amd64,linux/arm64', '-o', target)
    const result = JSON.parse(output) as BakePlatformsResult
    t.is(result.output?.reference, target)
    t.deepEqual(
      result.platforms.map(({ platform, trainedOn }) => [platform, trainedOn]),
      [
        ['linux/amd64', 'linux/amd64'],
        ['linux/arm64', 'linux/amd64'],
      ],
    )

    const copied = await copyOf(t, `${second.host}/app:2`, result)
    t.deepEqual(
      copied.map((one) => one.platform?.architecture),
      ['amd64', 'arm64', 's390x'],
    )
    t.is(copied[2]?.digest, other.digest)

    // Back into the repository, under the name that a bake gives; what was baked has the same digests wherever it goes.
    const back = JSON.parse(await pycds(t, ...bake, 'linux/amd64,linux/arm64')) as BakePlatformsResult
    t.is(back.output?.reference, `registry:${first.host}/team/app:1-cds`)
    t.deepEqual(await copyOf(t, `${first.host}/team/app:1-cds`, back), copied)
    const inspected = JSON.parse(
      await pycds(t, 'inspect', target, '--platform', 'linux/arm64', '--json'),
    ) as InspectResult
    t.true(JSON.stringify(inspected).includes(result.platforms[1]?.result.python.buildId ?? '-'))
  },
)
