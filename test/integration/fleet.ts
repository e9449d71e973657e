// SPDX-License-Identifier: Apache-2.0
// Many images: baked beside each other, kept to what they take, gone on with after a run was killed, left alone where
// nothing has changed.
import { spawn } from 'node:child_process'
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, watch } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import test, { type ExecutionContext } from 'ava'
import { type Descriptor, REF_NAME } from '../../src/image/index.js'
import type { BakesResult, ImageOutcome } from '../../src/usecases/fleet/index.js'
import type { UnchangedResult } from '../../src/usecases/unchanged.js'
import { bakes, CLI, pycds } from '../helpers/cli.js'
import { docker, imageName } from '../helpers/engine.js'
import { addLayout, multiply } from '../helpers/fleet.js'
import { ensureImage } from '../helpers/images.js'
import { contentOf } from '../helpers/layout.js'
import { TestRegistry } from '../helpers/registry.js'
import { DEADLINE_MS, has, run } from '../helpers/run.js'
import { schemaErrors } from '../helpers/schemas.js'
import { temporary } from '../helpers/temporary.js'
import { portion, TIER } from '../helpers/tier.js'

const image = await ensureImage('minimal')
const withImage = image === undefined ? test.serial.skip : test.serial
const withSkopeo = image !== undefined && (await has('skopeo')) ? test.serial : test.serial.skip
/** A start that imports little: it is not the bake that is tested here. */
const QUICK = 'defaults: { measure: 0, pyc: off }\n'

/** Layouts are copied from here. */
const shared: { archive?: string } = {}

test.serial.before(async (t) => {
  t.timeout(DEADLINE_MS)
  if (image === undefined) return
  const directory = join(tmpdir(), `pycds-test-fleet-${process.pid}`)
  mkdirSync(directory)
  shared.archive = join(directory, 'image.tar')
  await docker('save', '-o', shared.archive, image)
})

test.after.always(() => {
  if (shared.archive) rmSync(join(shared.archive, '..'), { recursive: true, force: true })
})

/** A folder with a layout of some images, and a file that names them by a pattern. */
async function fleetOf(t: ExecutionContext, count: number, more = ''): Promise<string> {
  const folder = temporary(t, {
    'pycds-image.yaml': `version: 1\n${QUICK}images:\n  - image: oci:layout:app-*\n${more}`,
  })
  const { code, stderr } = await run('skopeo', [
    ...['copy', '-q', `docker-archive:${shared.archive}`, `oci:${join(folder, 'layout')}:1`],
  ])
  t.is(code, 0, stderr)
  multiply(join(folder, 'layout'), count)
  return folder
}

async function bakesAll(
  t: ExecutionContext,
  cwd: string,
  args: readonly string[],
  code = 0,
): Promise<BakesResult> {
  const outcome = await pycds(['bake', '--json', '--progress', 'quiet', ...args], { cwd })
  t.is(outcome.code, code, outcome.stdout + outcome.stderr)
  const result = JSON.parse(outcome.stdout) as BakesResult
  t.deepEqual(schemaErrors('bakes', result), [])
  return result
}

/** Of which images a layout named `layout` has a baked one, as the fleet calls them. */
function bakedIn(path: string): string[] {
  const { manifests } = JSON.parse(readFileSync(join(path, 'index.json'), 'utf8')) as {
    manifests: Descriptor[]
  }
  return manifests
    .map(({ annotations }) => annotations?.[REF_NAME] ?? '')
    .filter((name) => name.endsWith('-cds'))
    .map((name) => `oci:layout:${name.replace(/-cds$/, '')}`)
}

/** The result files of a directory. */
function resultsIn(directory: string): ImageOutcome[] {
  if (!existsSync(directory)) return []
  return readdirSync(directory)
    .filter((name) => name.endsWith('.json'))
    .map((name) => JSON.parse(readFileSync(join(directory, name), 'utf8')) as ImageOutcome)
}

/** Waits until a directory has so many result files, or a process has ended. */
async function untilResults(directory: string, count: number, ended: Promise<unknown>): Promise<void> {
  mkdirSync(directory, { recursive: true })
  const watching = new AbortController()
  const enough = new Promise<void>((resolve) => {
    const look = () => {
      if (resultsIn(directory).length >= count) resolve()
    }
    watch(directory, { signal: watching.signal }, look)
    look()
  })
  await Promise.race([enough, ended])
  watching.abort()
}

/** Starts a run, and kills it as soon as it has told of so many images; returns of how many it has then. */
async function killedAfter(folder: string, args: readonly string[], count: number): Promise<number> {
  const results = join(folder, 'results')
  const child = spawn(process.execPath, [CLI, 'bake', ...args], { cwd: folder, stdio: 'ignore' })
  const ended = new Promise((resolve) => child.once('exit', resolve))
  await untilResults(results, count, ended)
  child.kill('SIGKILL')
  await ended
  return resultsIn(results).length
}

withSkopeo('a run that was killed is gone on with, and a run that was not touches nothing', async (t) => {
  t.timeout(DEADLINE_MS)
  const folder = await fleetOf(t, 4)
  const results = join(folder, 'results')
  const args = ['--results', 'results', '--jobs', '2', '--skip-unchanged']
  await killedAfter(folder, args, 1)
  const first = contentOf(results)
  const made = resultsIn(results).map(({ name }) => name)
  t.true(made.length >= 1 && made.length < 4, made.join())
  // An image may be in its place when the run ends before it is told.
  const inPlace = bakedIn(join(folder, 'layout'))
  t.deepEqual(
    made.filter((name) => !inPlace.includes(name)),
    [],
  )

  const second = await bakesAll(t, folder, args)
  t.deepEqual(
    second.images.map(({ name }) => name),
    [1, 2, 3, 4].map((number) => `oci:layout:app-${number}`),
  )
  t.deepEqual(
    second.images.filter(({ state }) => state === 'unchanged').map(({ name }) => name),
    inPlace.sort(),
  )
  // What the first run had told is not told again, and what it had begun is gone.
  const files = contentOf(results)
  for (const [name, content] of Object.entries(first)) if (name.endsWith('.json')) t.is(files[name], content)
  t.deepEqual(
    Object.keys(files).filter((name) => name.startsWith('.')),
    [],
  )
  for (const outcome of resultsIn(results)) t.deepEqual(schemaErrors('image-result', outcome), [])

  const before = contentOf(join(folder, 'layout'))
  const third = await bakesAll(t, folder, args)
  t.deepEqual(third.counts, { baked: 0, unchanged: 4, failed: 0 })
  t.deepEqual(contentOf(join(folder, 'layout')), before)
  t.regex(readFileSync(join(results, 'pycds-image.prom'), 'utf8'), /^pycds_images\{state="unchanged"\} 4$/m)
})

withSkopeo('an image that fails stops no other, and its reason is the exit code', async (t) => {
  t.timeout(DEADLINE_MS)
  const more =
    "  - { image: 'oci:layout:none-*', name: nothing }\n  - { image: oci:elsewhere:1 }\n" +
    '  - { image: oci:layout:app-1, tag: slow, image-timeout: 1ms }\n'
  const folder = await fleetOf(t, 2, more)
  const { images, ok } = await bakesAll(t, folder, ['--jobs', '3', '--results', 'results'], 7)
  t.false(ok)
  t.deepEqual(
    images.map(({ name, state, error }) => [name, state, error?.code]),
    [
      ['oci:layout:app-2', 'baked', undefined],
      ['nothing', 'failed', 'IMAGE_NOT_FOUND'],
      ['oci:elsewhere:1', 'failed', 'IMAGE_NOT_FOUND'],
      ['oci:layout:app-1', 'failed', 'BAKE_TIMEOUT'],
    ],
  )
  const { code, stdout, stderr } = await pycds(['bake', '--only', 'nothing'], { cwd: folder })
  t.is(code, 7)
  t.regex(stdout, /1 image: 0 baked, 0 unchanged, 1 failed/)
  t.regex(stderr, /Error: nothing: images oci:layout:none-\*: there is none/)
})

withSkopeo('parts are the whole, and each image has its documents', async (t) => {
  t.timeout(DEADLINE_MS)
  const more = "    output: 'oci:out:{tag}'\n    sbom: '{name}.spdx.json'\n    provenance: '{name}.json'\n"
  const folder = await fleetOf(t, 3, more)
  const parts = []
  for (const shard of ['1/2', '2/2']) {
    parts.push(await bakesAll(t, folder, ['--shard', shard, '--results', 'results']))
  }
  const names = parts.flatMap(({ images }) => images.map(({ name }) => name))
  t.deepEqual(
    names.sort(),
    [1, 2, 3].map((number) => `oci:layout:app-${number}`),
  )
  for (const number of [1, 2, 3]) {
    const file = join(folder, `oci_layout_app-${number}.json`)
    const { subject } = JSON.parse(readFileSync(file, 'utf8'))
    t.is(subject[0].name, `oci:out:app-${number}`)
    t.true(existsSync(join(folder, `oci_layout_app-${number}.spdx.json`)))
  }
  t.deepEqual(
    readdirSync(join(folder, 'results')).filter((name) => name.endsWith('.prom')),
    ['pycds-image-0-of-2.prom', 'pycds-image-1-of-2.prom'],
  )
})

withSkopeo(
  'a pattern over a registry: what is said goes up beside the image, and the second run asks little',
  async (t) => {
    t.timeout(DEADLINE_MS)
    const registry = await TestRegistry.start(t, { referrers: true })
    const { host } = registry
    const seed = await fleetOf(t, 2)
    const targets = ['team/one', 'team/two']
    for (const [at, target] of targets.entries()) {
      const words = [`oci:${join(seed, 'layout')}:app-${at + 1}`, `docker://${host}/${target}:1.0`]
      const { code, stderr } = await run('skopeo', ['copy', '-q', '--dest-tls-verify=false', ...words])
      t.is(code, 0, stderr)
    }
    const folder = temporary(t, {
      'pycds-image.yaml':
        `version: 1\n${QUICK}images:\n  - image: 'registry:${host}/team/*:1.*'\n` +
        `    output: 'registry:${host}/{repository}:{tag}-fast'\n    provenance: '{name}.json'\n`,
    })
    const sources = targets.map((target) => `registry:${host}/${target}:1.0`)
    const first = await bakesAll(t, folder, ['--skip-unchanged'])
    t.deepEqual(
      first.images.map(({ name, state }) => [name, state]),
      sources.map((name) => [name, 'baked']),
    )
    for (const target of targets) {
      const digest = registry.tags[`${target}:1.0-fast`] ?? ''
      const { manifests } = (await (
        await fetch(`http://${host}/v2/${target}/referrers/${digest}`)
      ).json()) as {
        manifests: { artifactType: string }[]
      }
      t.deepEqual(
        manifests.map(({ artifactType }) => artifactType),
        ['application/vnd.docker.attestation.manifest.v1+json'],
      )
    }
    const tags = { ...registry.tags }
    registry.asked.splice(0)
    const second = await bakesAll(t, folder, ['--skip-unchanged'])
    // What the first run has made fits the pattern too, and is no source.
    t.deepEqual(second.counts, { baked: 0, unchanged: 2, failed: 0 })
    t.deepEqual(registry.tags, tags)
    const images = registry.asked.filter(({ path }) => !/_catalog|tags\/list|^\/v2\/$/.test(path))
    t.true(images.length <= 2 * 6, registry.lines.join('\n'))
    t.true(
      images.every(({ method }) => method === 'GET' || method === 'HEAD'),
      registry.lines.join('\n'),
    )
  },
)

withImage('an image of the engine is baked again when something has changed, and only then', async (t) => {
  t.timeout(DEADLINE_MS)
  const [source, target] = [imageName(t), imageName(t)]
  await docker('tag', image ?? '', source)
  const folder = temporary(t)
  const args = [source, '-t', target, '--skip-unchanged', '--metadata-file', join(folder, 'metadata.json')]
  const { output, key } = await bakes(t, args)
  const again = (await bakes(t, args)) as unknown as UnchangedResult
  t.deepEqual(schemaErrors('unchanged', again), [])
  t.is(again.key, key)
  t.is(again.output.id, output?.id ?? '')
  t.is(again.output.configDigest, output?.configDigest ?? null)
  t.is(JSON.parse(readFileSync(join(folder, 'metadata.json'), 'utf8'))['image.name'], target)

  t.is((await bakes(t, [...args, '--validate', 'hash'])).schema, 'io.pycds.bake/1')
  // A document that only a bake can write is missing, then it is not.
  const sbom = ['--validate', 'hash', '--trace-out', join(folder, 'trace.json')]
  t.is((await bakes(t, [...args, ...sbom])).schema, 'io.pycds.bake/1')
  t.is((await bakes(t, [...args, ...sbom])).schema as string, 'io.pycds.unchanged/1')
  // What was built on the result has its labels, and is no result.
  await docker('tag', image ?? '', target)
  t.is((await bakes(t, [...args, ...sbom])).schema, 'io.pycds.bake/1')
})

/** Writes the most memory that the process had, in kilobytes, to a file when it ends. */
const TELL_MEMORY = `data:text/javascript,${encodeURIComponent("import { writeFileSync } from 'node:fs'; process.on('exit', () => writeFileSync('rss', String(process.resourceUsage().maxRSS)))")}`

const withAll = TIER === 'all' ? withSkopeo : test.serial.skip
withAll(
  '500 images of a registry, killed in the middle and run again: the third run touches nothing, and memory stays below 1 GB',
  async (t) => {
    t.timeout(7 * DEADLINE_MS)
    const count = portion(500)
    const registry = await TestRegistry.start(t)
    addLayout(registry, join(await fleetOf(t, count), 'layout'), 'team/app')
    const folder = temporary(t, {
      'pycds-image.yaml': `version: 1\n${QUICK}images:\n  - image: 'registry:${registry.host}/team/app:app-*'\n`,
    })
    const args = ['--results', 'results', '--jobs', '4', '--skip-unchanged', '--json', '--progress', 'quiet']
    const told = await killedAfter(folder, args, Math.ceil(count / 5))
    t.true(told < count, 'it was killed before its end')
    const second = await run(process.execPath, ['--import', TELL_MEMORY, CLI, 'bake', ...args], {
      cwd: folder,
      deadlineMs: 5 * DEADLINE_MS,
    })
    const { counts: made, images } = JSON.parse(second.stdout) as BakesResult
    const { baked, unchanged } = made
    t.deepEqual(
      images.flatMap(({ name, error }) => (error ? [`${name}: ${error.code}: ${error.message}`] : [])),
      [],
    )
    t.is(second.code, 0, second.stderr)
    t.is(baked + unchanged, count)
    t.true(unchanged >= told, `${unchanged} of ${told} were not baked again`)
    const kilobytes = Number(readFileSync(join(folder, 'rss'), 'utf8'))
    t.log(`${baked} baked after ${unchanged}, ${Math.round(kilobytes / 1024)} MB at most`)
    t.true(kilobytes < 1024 * 1024)
    const { tags } = registry
    registry.forget()
    const { counts } = await bakesAll(t, folder, args.slice(0, 5))
    t.deepEqual(counts, { baked: 0, unchanged: count, failed: 0 })
    t.deepEqual(registry.tags, tags)
    t.true(registry.asked.every(({ method }) => method === 'GET' || method === 'HEAD'))
  },
)
