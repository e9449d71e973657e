// SPDX-License-Identifier: Apache-2.0
// One build for two processors, of which this machine has one: the step of the other runs in an emulator, with the
// frontend's image for it.
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import test from 'ava'
import { verifies } from '../../helpers/cli.js'
import { buildctl } from '../../helpers/frontend-builders.js'
import { frontendContext } from '../../helpers/images.js'
import { archivedImages } from '../../helpers/oci-archive.js'
import { commonPython, emulate, PLATFORMS, whyNotEmulated } from '../../helpers/processors.js'
import { sideEngine, sideProgram } from '../../helpers/side-engine.js'
import { temporary } from '../../helpers/temporary.js'
import { TIER } from '../../helpers/tier.js'

/** What buildkitd calls the registry beside it. */
const REGISTRY = 'localhost:5000/pycds-test'
const FRONTEND = `${REGISTRY}/frontend-of-both`
const DEADLINE_MS = 10 * 60_000
const BOTH = PLATFORMS.map(({ platform }) => platform)
const APP = {
  'app.py':
    'import asyncio, email.message, json, platform, unittest.mock\nprint(json.dumps(platform.machine()))\n',
}
/** Where an ELF file says which processor it is for, and how. */
const ELF_MACHINE = 18
const MACHINES = { amd64: 62, arm64: 183 } as const

const python = commonPython()
/** What the frontend's image is built from. */
const frontend = mkdtempSync(join(tmpdir(), 'pycds-test-frontend-'))
const found = await prepare()
if (typeof found === 'string') process.stderr.write(`skipped for want of a second processor: ${found}\n`)
// Declared only now: nothing may be awaited between declarations.
test.after.always(() => rmSync(frontend, { recursive: true, force: true }))
const declare = typeof found === 'string' ? test.serial.skip : test.serial

declare('each processor gets an archive of its own run, and starts from it', async (t) => {
  t.timeout(DEADLINE_MS)
  const { engine, program } = found as Exclude<typeof found, string>
  emulate(t)
  const build = (context: string, dockerfile: string, platforms: readonly string[], ...options: string[]) =>
    buildctl(t, engine, program, { context, dockerfile }, [
      `--opt=platform=${platforms.join(',')}`,
      ...options,
    ])
  const push = (name: string) => `--output=type=image,name=${name},push=true`

  await build(frontend, readFileSync(join(frontend, 'Dockerfile'), 'utf8'), BOTH, push(FRONTEND))
  for (const { platform, architecture, root } of PLATFORMS) {
    const dockerfile = 'FROM scratch\nCOPY . /\nENV PATH=/usr/bin\n'
    await build(root, dockerfile, [platform], push(`${REGISTRY}/both-${architecture}`))
  }

  const file = join(temporary(t), 'images.tar')
  const dockerfile =
    `# syntax=${FRONTEND}\nARG TARGETARCH\nFROM ${REGISTRY}/both-\${TARGETARCH}\nCOPY app.py /app.py\n` +
    `CMD ["/usr/bin/${python}", "/app.py"]\n`
  const options = ['--opt=build-arg:PYCDS_ON_FAILURE=fail', `--output=type=oci,dest=${file}`]
  await build(temporary(t, APP), dockerfile, BOTH, ...options)

  const images = await archivedImages(file)
  t.is(images.length, BOTH.length)
  for (const [index, { platform, architecture }] of PLATFORMS.entries()) {
    const layer = [...(images[index]?.lastLayer ?? [])]
    const runtime = layer.find(([path]) => path.endsWith('/_pycds.abi3.so'))?.[1]
    t.is(runtime?.readUInt16LE(ELF_MACHINE), MACHINES[architecture])
    await verifies(t, `oci-archive:${file}`, 95, ['--platform', platform], { deadlineMs: DEADLINE_MS })
  }
})

/** What the test needs; the reason where something is missing. */
async function prepare() {
  if (TIER !== 'all') return `PYCDS_TEST_TIER=${TIER}: no frontend for another processor is run`
  if (python === undefined) return 'there are no roots for both with the same Python'
  const reason = await whyNotEmulated()
  if (reason !== undefined) return reason
  const engine = await sideEngine('buildkitd')
  if (typeof engine === 'string') return engine
  if ((await frontendContext(frontend, BOTH)) === undefined) return "the frontend's image cannot be made here"
  return { engine, program: await sideProgram('buildctl') }
}
