// SPDX-License-Identifier: Apache-2.0
// The examples with one line more on newer engines, with both image stores, and on a BuildKit without an engine.
import { readFileSync } from 'node:fs'
import test, { type ExecutionContext } from 'ava'
import { verifies } from '../helpers/cli.js'
import {
  type Build,
  type Built,
  buildctl,
  buildctlOn,
  buildxOn,
  RemoteBuilder,
} from '../helpers/frontend-builders.js'
import type { Example } from '../helpers/images.js'
import { declareUnless } from '../helpers/repetition.js'
import { inRepository } from '../helpers/repository.js'
import { engineWithImages, type Images, SideBuilder } from '../helpers/side-builds.js'
import { type SideEngine, type SideEngineName, sideEngine, sideProgram } from '../helpers/side-engine.js'
import { temporary } from '../helpers/temporary.js'

const ENGINES: readonly SideEngineName[] = ['docker-28', 'docker-28-containerd', 'buildkitd']
const EXAMPLES: readonly Example[] = ['01-flask-service', '02-command-line-tool', '03-numpy-job']
/** The one that is built everywhere; what the others add is not the builder's, and is seen on the first. */
const EVERYWHERE: Example = '02-command-line-tool'

/** An engine with the images that the builds need. */
interface Ready extends Images {
  readonly build: Build
}

const ready = new Map<SideEngineName, Ready | string>()
for (const name of ENGINES) ready.set(name, await prepare(name))

for (const [name, engine] of ready) {
  if (typeof engine === 'string') process.stderr.write(`skipped for want of ${name}: ${engine}\n`)
  const where = typeof engine === 'string' ? test.serial.skip : test.serial
  for (const example of EXAMPLES) {
    const declare = declareUnless(name !== ENGINES[0] && example !== EVERYWHERE, where)
    declare(`${name}: ${example} with the line starts from its archive and is one layer more`, async (t) => {
      await differsByOneLayer(t, engine as Ready, example)
    })
  }
  where(`${name}: two builds without a cache give the same layer`, async (t) => {
    const { build, ...images } = engine as Ready
    const layers: (string | undefined)[] = []
    for (let count = 0; count < 2; count++) {
      const request = { ...requestFor('02-command-line-tool', images, true), cache: false }
      const { diffIds } = await build(t, {
        ...request,
        args: { ...request.args, SOURCE_DATE_EPOCH: '1700000000' },
      })
      layers.push(diffIds.at(-1))
    }
    t.truthy(layers[0])
    t.is(layers[0], layers[1])
  })
}

/** How two lines are given to a buildkitd, so that the result goes to a registry. */
type Push = (t: ExecutionContext, engine: SideEngine, dockerfile: string, name: string) => Promise<void>

const CLIENTS: Readonly<Record<string, Push>> = {
  buildctl: (t, engine, dockerfile, name) =>
    buildctlPushes(t, engine, { context: temporary(t), dockerfile }, name),
  'a remote builder of buildx': async (t, engine, dockerfile, name) => {
    const builder = await RemoteBuilder.create(t, engine, await sideProgram('docker-buildx'))
    await builder.pushes(dockerfile, name)
  },
}

const withRegistry = typeof ready.get('buildkitd') === 'string' ? test.serial.skip : test.serial
for (const [at, [client, push]] of Object.entries(CLIENTS).entries()) {
  withRegistry(
    `buildkitd, asked by ${client}: a finished image in a registry is baked by two lines, and goes back there`,
    async (t) => {
      const { build, base, frontend } = ready.get('buildkitd') as Ready
      const [registry] = base.split('/')
      const [source, target] = [`${registry}/finished-${at}:1`, `${registry}/finished-${at}:1-cds`]
      const engine = await sideEngine('buildkitd')
      if (typeof engine === 'string') return t.fail(engine)
      const app = requestFor('02-command-line-tool', { base, frontend }, false)
      const dockerfile = app.dockerfile.replace(/^FROM .*$/m, `FROM ${base}`)
      await buildctlPushes(t, engine, { context: app.context, dockerfile }, source)
      await push(t, engine, `# syntax=${frontend}\nFROM ${source}\n`, target)

      const from = async (name: string) =>
        await build(t, { context: temporary(t), dockerfile: `FROM ${name}\n`, args: {} })
      const [plain, ours] = [await from(source), await from(target)]
      t.deepEqual(ours.diffIds.slice(0, -1), plain.diffIds)
      t.deepEqual(rest(ours), rest(plain))
      await verifies(t, ours.image, 90, [], { env: ours.env })
    },
  )
}

async function buildctlPushes(
  t: ExecutionContext,
  engine: SideEngine,
  request: { context: string; dockerfile: string },
  name: string,
): Promise<void> {
  const options = [`--output=type=image,name=${name},push=true,registry.insecure=true`]
  await buildctl(t, engine, await sideProgram('buildctl'), request, options)
}

async function prepare(name: SideEngineName): Promise<Ready | string> {
  const found = await engineWithImages(name)
  if (typeof found === 'string') return found
  const { engine, images } = found
  const build =
    name === 'buildkitd'
      ? buildctlOn(engine, await sideProgram('buildctl'))
      : buildxOn(new SideBuilder(engine, await sideProgram('docker-buildx'), images))
  return { build, ...images }
}

function requestFor(example: Example, images: Images, line: boolean) {
  const context = inRepository(`examples/${example}`)
  const dockerfile = readFileSync(`${context}/Dockerfile`, 'utf8')
  return {
    context,
    dockerfile: line ? `# syntax=${images.frontend}\n${dockerfile}` : dockerfile,
    args: { BASE: images.base },
  }
}

async function differsByOneLayer(t: ExecutionContext, engine: Ready, example: Example): Promise<void> {
  const plain = await engine.build(t, requestFor(example, engine, false))
  const ours = await engine.build(t, requestFor(example, engine, true))
  t.deepEqual(ours.diffIds.slice(0, -1), plain.diffIds)
  t.deepEqual(rest(ours), rest(plain))
  t.deepEqual(ours.config.Env, [...(plain.config.Env ?? []), 'PYCDS_ARCHIVE=/opt/pycds/app.cds'])
  const added = Object.keys(ours.config.Labels ?? {}).filter(
    (key) => plain.config.Labels?.[key] === undefined,
  )
  t.deepEqual(added.sort(), ['io.pycds.python', 'io.pycds.version'])

  await verifies(t, ours.image, 95, [], { env: ours.env })
}

/** What the line must leave as it is. */
function rest({ config }: Built): Record<string, unknown> {
  const { Env: _, Labels: __, ...others } = config
  return others
}
