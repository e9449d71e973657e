// SPDX-License-Identifier: Apache-2.0
// What builds can be asked for besides an image in the engine: the line above the Dockerfile leaves all of it as it is.
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { archivedImage, archivedImages } from '../helpers/oci-archive.js'
import { run } from '../helpers/run.js'
import { type SideBuilder, sideTests } from '../helpers/side-builds.js'
import { sideProgram } from '../helpers/side-engine.js'
import { ASK_AGENT, sshAgent } from '../helpers/ssh-agent.js'
import { temporary } from '../helpers/temporary.js'

const CMD = 'CMD ["python3", "/app.py"]\n'
const testSide = await sideTests()

const plain = ({ base }: SideBuilder): string => `FROM ${base} AS web\nCOPY app.py /app.py\n${CMD}`

for (const call of ['check', 'outline', 'targets']) {
  testSide(`--call=${call} gives the same answer`, async (t, builder) => {
    // A stage of unlike letters is something to complain about; a comment instead of our line keeps the numbers.
    const dockerfile = `${plain(builder)}FROM web as last\n`
    const expected = await builder.build(t, `# a comment\n${dockerfile}`, [`--call=${call}`])
    const answer = await builder.build(t, builder.line() + dockerfile, [`--call=${call}`])
    t.regex(
      expected.stdout,
      { check: /FromAsCasing/, outline: /TARGET: +last/, targets: /last/ }[call] ?? /^$/,
    )
    t.is(answer.stdout, expected.stdout)
    t.is(answer.code, expected.code)
  })
}

testSide('a stage of files and no command comes out as these files', async (t, builder) => {
  const folder = temporary(t)
  const dockerfile = `${builder.line()}${plain(builder)}FROM scratch\nCOPY --from=web /app.py /made/app.py\n`
  await builder.builds(t, dockerfile, ['--output', `type=local,dest=${folder}`])
  t.deepEqual(readdirSync(folder, { recursive: true }).sort(), ['made', 'made/app.py'])
})

testSide('all files of an image can come out, with the archive among them', async (t, builder) => {
  const folder = temporary(t)
  await builder.builds(t, builder.line() + plain(builder), ['--output', `type=local,dest=${folder}`])
  t.true(existsSync(join(folder, 'usr/bin/python3.11')))
  t.deepEqual(readdirSync(join(folder, 'opt/pycds')).sort(), ['app.cds', 'manifest.json'])
  const packages = readdirSync(join(folder, 'usr/local/lib/python3.11/dist-packages'))
  t.deepEqual(packages.sort(), ['00-pycds.pth', '_pycds.abi3.so'])
})

testSide('secrets, an agent and named contexts reach the build, and not the training', async (t, builder) => {
  const extra = temporary(t, { 'extra.py': 'x = 1\n' })
  const dockerfile =
    `${builder.line()}FROM ${builder.base}\n` +
    'RUN --mount=type=secret,id=x,required test "$(cat /run/secrets/x)" = hidden-word\n' +
    `RUN --mount=type=ssh,required python3 -B -c '${ASK_AGENT}'\n` +
    `COPY --from=extra extra.py /extra.py\nCOPY app.py /app.py\n${CMD}`
  const app =
    'import json, os, sys\nsys.path.insert(0, "/")\nimport extra\n' +
    'secret = os.path.exists("/run/secrets/x") and open("/run/secrets/x").read()\n' +
    'sys.exit(1 if secret or "SSH_AUTH_SOCK" in os.environ else 0)\n'
  const options = [
    ...['--secret', `id=x,src=${join(temporary(t, { secret: 'hidden-word' }), 'secret')}`],
    ...['--ssh', `default=${await sshAgent(t)}`, '--build-context', `extra=${extra}`],
    ...['--build-arg=PYCDS_ON_FAILURE=fail', '--output'],
  ]
  const file = join(temporary(t), 'image.tar')
  await builder.builds(t, dockerfile, [...options, `type=oci,dest=${file}`], { 'app.py': app })
  const { lastLayer } = await archivedImage(file)
  t.deepEqual([...lastLayer.keys()].sort(), [
    'opt/pycds/app.cds',
    'opt/pycds/manifest.json',
    'usr/local/lib/python3.11/dist-packages/00-pycds.pth',
    'usr/local/lib/python3.11/dist-packages/_pycds.abi3.so',
  ])
  t.false([...lastLayer.values()].some((content) => content.includes('hidden-word')))
})

testSide('the second word of the line names who reads the Dockerfile', async (t, builder) => {
  const other = `pycds-test/dockerfile-frontend:${process.pid}`
  t.teardown(() => run('docker', ['rmi', '--force', other], { env: builder.env }))
  const binary = readFileSync(await sideProgram('dockerfile-frontend'))
  // The label is what the image docker/dockerfile has, too.
  const image =
    'FROM scratch\nLABEL moby.buildkit.frontend.network.none=true\nCOPY --chmod=755 frontend /bin/\nENTRYPOINT ["/bin/frontend"]\n'
  await builder.builds(t, image, ['--load', '--tag', other], { frontend: binary })
  const files = ['one', 'two'].map((name) => join(temporary(t), name)) as [string, string]
  const options = ['--provenance=false', '--build-arg=SOURCE_DATE_EPOCH=1700000000', '--output']
  await builder.builds(t, builder.line() + plain(builder), [...options, `type=oci,dest=${files[0]}`])
  const said = await builder.builds(t, builder.line(other) + plain(builder), [
    ...options,
    `type=oci,dest=${files[1]}`,
  ])
  t.regex(said, /resolve image config for docker-image:\/\/\S*pycds-test\/dockerfile-frontend/)
  const [built, asked] = [await archivedImage(files[0]), await archivedImage(files[1])]
  t.true(asked.lastLayer.has('opt/pycds/app.cds'))
  t.deepEqual(asked.config, built.config)
})

testSide('what is attested about the build stays with it', async (t, builder) => {
  const file = join(temporary(t), 'image.tar')
  const options = ['--provenance=mode=min', '--sbom=false', '--output', `type=oci,dest=${file}`]
  await builder.builds(t, builder.line() + plain(builder), options)
  const { lastLayer, attested } = await archivedImage(file)
  t.true(lastLayer.has('opt/pycds/app.cds'))
  t.regex(attested, /slsa\.dev\/provenance/)
  t.regex(attested, /pycds-test\/frontend/)
})

testSide('each of several platforms gets a layer of its own run', async (t, builder) => {
  const file = join(temporary(t), 'images.tar')
  const dockerfile = `FROM ${builder.base}\nARG TARGETVARIANT\nENV VARIANT=$TARGETVARIANT\nCOPY app.py /app.py\n${CMD}`
  const app = 'import json, os\nif os.environ["VARIANT"]: import csv\n'
  const options = ['--platform=linux/amd64,linux/amd64/v2', '--provenance=false', '--output']
  await builder.builds(t, builder.line() + dockerfile, [...options, `type=oci,dest=${file}`], {
    'app.py': app,
  })
  const images = await archivedImages(file)
  const imported = images.map(({ variant, lastLayer }) => ({
    variant,
    json: hasModule(lastLayer, 'json/__init__'),
    csv: hasModule(lastLayer, 'csv'),
  }))
  t.deepEqual(
    imported.sort((a, b) => Number(a.csv) - Number(b.csv)),
    [
      { variant: undefined, json: true, csv: false },
      { variant: 'v2', json: true, csv: true },
    ],
  )
})

function hasModule(layer: ReadonlyMap<string, Buffer>, module: string): boolean {
  return layer.get('opt/pycds/app.cds')?.includes(`/usr/lib/python3.11/${module}.py`) ?? false
}
