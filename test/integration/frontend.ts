// SPDX-License-Identifier: Apache-2.0
// One line above a Dockerfile, with a real BuildKit. One image of the frontend serves all tests.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import test, { type ExecutionContext } from 'ava'
import { type Builder, prepareBuilder, withFrontend } from '../helpers/builder.js'
import { lastLayer } from '../helpers/builds.js'
import { ensureImage } from '../helpers/images.js'
import { run } from '../helpers/run.js'
import { isTraceCached } from '../helpers/side-builds.js'
import { temporary } from '../helpers/temporary.js'

const BASE = await ensureImage('small')
const prepared = BASE === undefined ? 'the base image small cannot be made here' : await prepareBuilder()
if (typeof prepared === 'string') process.stderr.write(`skipped for want of a builder: ${prepared}\n`)

const APP = 'import json, logging, email.message\nprint(json.dumps(1))\n'
const START = 'CMD ["python3", "/app.py"]\n'
const PLAIN = `FROM ${BASE}\nCOPY app.py /app.py\n${START}`
const CONTEXT = { 'app.py': APP }

interface Image {
  Config: Record<string, unknown> & { Env: string[] | null; Labels: Record<string, string> | null }
  RootFS: { Layers?: string[] }
  Id: string
}

function withBuilder(title: string, body: (t: ExecutionContext, builder: Builder) => Promise<void>): void {
  if (typeof prepared === 'string') test.serial.skip(title, () => {})
  else test.serial(title, (t) => body(t, prepared))
}

withBuilder(
  'a finished image is baked by one line; on one that was baked before, the old archive is told',
  async (t, builder) => {
    const plain = name('finished')
    t.is((await builder.build(t, PLAIN, { tag: plain, context: CONTEXT })).code, 0)
    const [first, second] = [name('first'), name('second')]
    const once = await builder.build(t, withFrontend(`FROM ${plain}\n`), { tag: first })
    t.is(once.code, 0, once.stderr)
    t.notRegex(once.stderr, /an earlier bake/)
    const again = await builder.build(t, withFrontend(`FROM ${first}\n`), { tag: second })
    t.is(again.code, 0, again.stderr)
    t.regex(again.stderr, /an earlier bake has left \/opt\/pycds\/app\.cds/)
    for (const tag of [first, second]) {
      const start = await run('docker', ['run', '--rm', '--network=none', '-e', 'PYCDS=report', tag])
      t.is(start.stdout, '1\n')
      t.regex(start.stderr, /served \d+ of \d+/)
    }
  },
)

withBuilder(
  'the image differs by one layer, the environment and labels, and starts from its archive',
  async (t, builder) => {
    const dockerfile =
      `ARG BASE\nFROM $BASE AS web\nENV A=1\nLABEL mine=1\nCOPY app.py /app.py\nUSER 1000:1000\nWORKDIR /tmp\n` +
      `STOPSIGNAL SIGINT\nHEALTHCHECK --interval=5s CMD true\nVOLUME /data\n${START}`
    const { plain, image, tag } = await bothWays(t, builder, dockerfile, [`--build-arg=BASE=${BASE}`])
    differsByOneLayer(t, plain, image)
    const { stderr, stdout } = await run('docker', [
      'run',
      '--rm',
      '--network=none',
      '-e',
      'PYCDS=report',
      tag,
    ])
    t.is(stdout, '1\n')
    const [, served, all] = /served (\d+) of (\d+)/.exec(stderr) ?? []
    t.true(Number(served) / Number(all) >= 0.95 || Number(all) - Number(served) <= 3, stderr)
    const layer = [...(await lastLayer(t, tag))]
    const files = layer.flatMap(([path, what]) => (what.startsWith('file') ? [path] : []))
    t.deepEqual(files.sort(), [
      'opt/pycds/app.cds',
      'opt/pycds/manifest.json',
      'usr/local/lib/python3.11/dist-packages/00-pycds.pth',
      'usr/local/lib/python3.11/dist-packages/_pycds.abi3.so',
    ])
  },
)

withBuilder(
  'a second build runs nothing, and a label that changes does not train again',
  async (t, builder) => {
    const tag = name('cached')
    const first = await builds(t, builder, withFrontend(PLAIN), tag)
    const second = await builds(t, builder, withFrontend(PLAIN), tag)
    t.is(second.image.Id, first.image.Id)
    t.true(isTraceCached(second.output), second.output)
    const third = await builds(t, builder, withFrontend(`${PLAIN}LABEL other=1\n`), tag)
    t.true(isTraceCached(third.output), third.output)
    t.deepEqual(third.image.RootFS, first.image.RootFS)
  },
)

/** Snapshots are for one kind of processor. */
const onItsProcessor: typeof withBuilder = (title, body) =>
  process.arch === 'x64' ? withBuilder(title, body) : test.serial.skip(title, () => {})

onItsProcessor('PYCDS_SNAPSHOT=1 adds a process snapshot, in which containers go on', async (t, builder) => {
  const tag = name('snapshot')
  const dockerfile = `FROM ${BASE}\nCOPY app.py /app.py\n${START}`
  const context = { 'app.py': 'import flask, email.message\nprint(flask.__name__)\n' }
  const args = ['--build-arg=PYCDS_SNAPSHOT=1']
  const built = await builder.build(t, withFrontend(dockerfile), { tag, context, args })
  t.is(built.code, 0, built.stderr)
  const start = await run('docker', [
    'run',
    '--rm',
    '--network=none',
    '--read-only',
    '-e',
    'PYCDS_LOG=1',
    tag,
  ])
  t.is(start.stdout, 'flask\n')
  t.regex(start.stderr, /^pycds\[1\]: snapshot thawed in/m, built.stderr)
})

withBuilder('PYCDS_TRAIN=learn runs nothing, and containers learn', async (t, builder) => {
  // What is run in the build would fail it.
  const program = 'import os, json, email.message; os.environ["HERE"]; print(1)'
  const dockerfile = `FROM ${BASE}\nWORKDIR /srv\nCMD ["python3", "-c", ${JSON.stringify(program)}]\n`
  const given = ['PYCDS_TRAIN=learn', 'PYCDS_ON_FAILURE=fail', 'SOURCE_DATE_EPOCH=1700000000']
  const args = ['--no-cache', ...given.map((one) => `--build-arg=${one}`)]
  const tag = name('learn')
  const { image } = await builds(t, builder, withFrontend(dockerfile), tag, args)
  t.true(image.Config.Env?.includes('PYCDS_LEARN=/var/cache/pycds'))
  t.is(image.Config.Labels?.['io.pycds.learn'], '/var/cache/pycds')
  const again = await builds(t, builder, withFrontend(dockerfile), tag, args)
  t.deepEqual(again.image.RootFS, image.RootFS)
  const script = `python3 -c '${program}' && exec python3 -c '${program}'`
  const env = ['HERE=1', 'PYCDS=report', 'PYCDS_LEARN_WAIT=60s'].flatMap((item) => ['-e', item])
  const words = ['run', '--rm', '--network=none', ...env, tag, 'sh', '-c', script]
  const { stdout, stderr } = await run('docker', words)
  t.is(stdout, '1\n1\n')
  t.regex(stderr, /learning: (RECORDING|LEARNED): [\s\S]*learning: USED: /)
})

withBuilder('two builds without a cache give the same layer', async (t, builder) => {
  const args = ['--no-cache', '--build-arg=SOURCE_DATE_EPOCH=1700000000']
  const layers: (string | undefined)[] = []
  for (const tag of [name('one'), name('two')]) {
    const { image } = await builds(
      t,
      builder,
      withFrontend(`FROM ${BASE}\nCMD ["python3", "-c", "import json"]\n`),
      tag,
      args,
    )
    layers.push(image.RootFS.Layers?.at(-1))
  }
  t.truthy(layers[0])
  t.is(layers[0], layers[1])
})

withBuilder(
  'a training run that fails gives the plain image and a warning, or an error if asked',
  async (t, builder) => {
    const dockerfile = `FROM ${BASE}\nCMD ["python3", "-c", "import json; raise SystemExit('no database')"]\n`
    const { plain, image, output } = await bothWays(t, builder, dockerfile)
    t.deepEqual(image.RootFS, plain.RootFS)
    t.deepEqual(image.Config.Env, plain.Config.Env)
    t.regex(output, /pycds-image: the image is built without an archive: .*no database/)
    const failed = await builder.build(t, withFrontend(dockerfile), {
      args: ['--build-arg=PYCDS_ON_FAILURE=fail'],
    })
    t.not(failed.code, 0)
    t.regex(failed.stderr.trim().split('\n').at(-1) ?? '', /no database.*\(TRAINING_FAILED\)/)
  },
)

withBuilder('options stand in the Dockerfile, and a build argument wins', async (t, builder) => {
  const dockerfile = `FROM ${BASE}\nARG PYCDS_ON_FAILURE=fail\nARG PYCDS_COMMAND='["python3", "-c", "import json, csv"]'\nCMD ["false"]\n`
  const { image } = await builds(t, builder, withFrontend(dockerfile), name('options'))
  t.truthy(image.Config.Labels?.['io.pycds.python'])
  const off = await builds(t, builder, withFrontend(dockerfile), name('off'), ['--build-arg=PYCDS_ENABLED=0'])
  t.is(off.image.Config.Labels?.['io.pycds.python'], undefined)
  const wrong = await builder.build(t, withFrontend(dockerfile), { args: ['--build-arg=PYCDS_REDY=exit'] })
  t.not(wrong.code, 0)
  t.regex(wrong.stderr, /PYCDS_REDY: there is no such option/)
})

withBuilder(
  'a configuration file in the context counts, and an error in it is told before anything is run',
  async (t, builder) => {
    const run = (yaml: string) =>
      builder.build(t, withFrontend(PLAIN), { context: { ...CONTEXT, 'pycds-image.yaml': yaml } })
    const strict = await run('version: 1\nfrontend:\n  min-archived: 100\n')
    t.not(strict.code, 0)
    t.regex(strict.stderr, /PYCDS_MIN_ARCHIVED: .*\(GATE_FAILED\)/)
    const broken = await run('version: 1\nfrontend: [\n')
    t.not(broken.code, 0)
    t.regex(broken.stderr, /pycds-image\.yaml:\d+:\d+: .*\(USAGE\)/)
  },
)

const CORPUS: Record<string, string> = {
  'several stages': `FROM ${BASE} AS build\nRUN echo made > /made\nFROM ${BASE}\nCOPY --from=build /made /made\n${START}`,
  'a stage named like ours': `FROM ${BASE} AS pycds-image\nRUN echo 1 > /1\nFROM pycds-image AS pycds\n${START}`,
  'the shell form, and another shell': `FROM ${BASE}\nSHELL ["/bin/sh", "-ec"]\nRUN echo x > /x\nCOPY app.py /app.py\nCMD python3 /app.py\n`,
  'sixty stages': `FROM ${BASE} AS s0\n${Array.from({ length: 60 }, (_, i) => `FROM s${i} AS s${i + 1}\nENV V${i}=1\n`).join('')}${START}`,
}

for (const [title, dockerfile] of Object.entries(CORPUS)) {
  withBuilder(`${title}: the same image and a layer`, async (t, builder) => {
    const { plain, image } = await bothWays(
      t,
      builder,
      dockerfile.replace(START, `COPY app.py /app.py\n${START}`),
    )
    differsByOneLayer(t, plain, image)
  })
}

withBuilder(
  'what ONBUILD brings is built first, and there is no layer without a command',
  async (t, builder) => {
    const parent = name('parent')
    await builds(
      t,
      builder,
      `FROM ${BASE}\nONBUILD COPY app.py /app.py\nONBUILD ENV FROM_PARENT=1\n${START}`,
      parent,
    )
    const onbuild = await bothWays(t, builder, `FROM ${parent}\nENV A=1\n`)
    differsByOneLayer(t, onbuild.plain, onbuild.image)
    const files = await bothWays(t, builder, 'FROM scratch\nCOPY app.py /app.py\n')
    t.deepEqual(files.image.RootFS, files.plain.RootFS)
  },
)

withBuilder('an error in the Dockerfile is the same error on the same line', async (t, builder) => {
  for (const dockerfile of [
    `FROM ${BASE}\nRNU echo\n`,
    `FROM ${BASE}\nCOPY nothing /there\n`,
    `FROM ${BASE}\nRUN exit 7\n`,
    // Such an error brings the whole file in one header field, and Node takes less.
    `FROM ${BASE}\n${'# a comment of forty letters, all counted\n'.repeat(4000)}RNU echo\n`,
  ]) {
    // A comment instead of our line keeps the numbers.
    const plain = await builder.build(t, `# comment\n${dockerfile}`)
    const ours = await builder.build(t, withFrontend(dockerfile))
    t.not(plain.code, 0)
    t.not(ours.code, 0)
    t.is(lastReason(ours.stderr), lastReason(plain.stderr))
  }
})

withBuilder('a debug target shows what would be done', async (t, builder) => {
  const plan = temporary(t)
  const shown = await builder.build(t, withFrontend(PLAIN), {
    context: CONTEXT,
    args: ['--target=pycds-debug-plan', '--output', `type=local,dest=${plan}`],
  })
  t.is(shown.code, 0, shown.stderr)
  t.regex(shown.stderr, /io\.pycds\.frontend\.plan\/1/)
  t.like(JSON.parse(readFileSync(join(plan, 'plan.json'), 'utf8')), {
    dockerfile: { frontend: 'dockerfile.v0' },
  })
  const llb = temporary(t)
  const graph = await builder.build(t, withFrontend(PLAIN), {
    context: CONTEXT,
    args: ['--target=pycds-debug-llb', '--output', `type=local,dest=${llb}`],
  })
  t.is(graph.code, 0, graph.stderr)
  t.true(JSON.parse(readFileSync(join(llb, 'llb.json'), 'utf8'))[0].operations.length > 3)
})

function name(what: string): string {
  return `pycds-test/frontend-${what}:${process.pid}`
}

async function builds(
  t: ExecutionContext,
  builder: Builder,
  dockerfile: string,
  tag: string,
  args: readonly string[] = [],
): Promise<{ image: Image; output: string }> {
  const { code, stderr } = await builder.build(t, dockerfile, { tag, args, context: CONTEXT })
  t.is(code, 0, stderr)
  const { stdout } = await run('docker', ['image', 'inspect', tag])
  const [image] = JSON.parse(stdout) as Image[]
  if (image === undefined) throw new Error(`${tag} was not built: ${stderr}`)
  return { image, output: stderr }
}

/** Builds without and with the line. */
async function bothWays(
  t: ExecutionContext,
  builder: Builder,
  dockerfile: string,
  args: readonly string[] = [],
) {
  const tag = name('ours')
  const plain = await builds(t, builder, dockerfile, name('plain'), args)
  const ours = await builds(t, builder, withFrontend(dockerfile), tag, args)
  return { plain: plain.image, image: ours.image, output: ours.output, tag }
}

function differsByOneLayer(t: ExecutionContext, plain: Image, image: Image): void {
  t.deepEqual(image.RootFS.Layers?.slice(0, -1), plain.RootFS.Layers)
  const { Env, Labels, ...rest } = image.Config
  const { Env: plainEnv, Labels: plainLabels, ...plainRest } = plain.Config
  t.deepEqual(rest, plainRest)
  t.deepEqual(Env, [...(plainEnv ?? []), 'PYCDS_ARCHIVE=/opt/pycds/app.cds'])
  const added = Object.keys(Labels ?? {}).filter((key) => plainLabels?.[key] === undefined)
  t.deepEqual(added.sort(), ['io.pycds.python', 'io.pycds.version'])
}

/** The last line of a failed build without the names of the frontends that the message came through. */
function lastReason(output: string): string {
  const last = output.trim().split('\n').at(-1) ?? ''
  return last
    .replace(/^ERROR: (failed to build: )?|^error: /, '')
    .replace(
      /(failed to solve( with frontend \S+)?: |rpc error: code = \S+ desc = |failed to build LLB: )/g,
      '',
    )
}
