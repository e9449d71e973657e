// SPDX-License-Identifier: Apache-2.0
// What cannot succeed is told before an image is run: what is given here would be run by nothing.
import { execFileSync } from 'node:child_process'
import { existsSync, mkdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import test, { type ExecutionContext } from 'ava'
import { pycdsAlone } from '../../helpers/cli.js'
import { LayoutMaker, named, simpleLayout } from '../../helpers/layout.js'
import { run } from '../../helpers/run.js'
import { file } from '../../helpers/tar.js'
import { temporary } from '../../helpers/temporary.js'

const mounts = (await run('unshare', ['--mount', 'true'])).code === 0
const withMounts = mounts ? test : test.skip

async function fails(t: ExecutionContext, code: number, words: string[], ...says: RegExp[]): Promise<void> {
  const { stderr, ...outcome } = await pycdsAlone([...words, '--progress', 'quiet'])
  t.is(outcome.code, code, stderr)
  for (const one of says) t.regex(stderr, one)
}

const layersOf = (count: number) => Array.from({ length: count }, (_, at) => [file('a', String(at))])

for (const count of [125, 126, 127]) {
  test(`${count} layers are too many, whatever the target`, async (t) => {
    const layout = new LayoutMaker(join(temporary(t), 'layout'))
    layout.index([named(await layout.image(layersOf(count)), '1')])
    for (const output of ['oci:out', 'oci-archive:out.tar', 'docker-archive:out.tar', 'app:fast']) {
      const words = ['bake', `oci:${layout.path}`, '-o', output]
      await fails(
        t,
        7,
        words,
        new RegExp(`it has ${count} layers, .*limit of 125`),
        /next {2}Build it with fewer/,
      )
    }
  })
}

for (const kind of ['oci', 'oci-archive', 'docker-archive']) {
  test(`${kind}: a place that cannot be written is told at once`, async (t) => {
    const { path } = await simpleLayout(t)
    const directory = temporary(t, { file: '' })
    const bake = (output: string) => ['bake', `oci:${path}`, '-o', `${kind}:${output}`]
    await fails(t, 2, bake(join(directory, 'none/out')), /there is no directory .*\/none\n/, /exists/)
    await fails(t, 2, bake(join(directory, 'file/out')), /file is no directory/)
  })
}

for (const kind of ['oci-archive', 'docker-archive']) {
  test(`${kind}: a pipe in its place is told at once, and stays`, async (t) => {
    const { path } = await simpleLayout(t)
    const pipe = join(temporary(t), 'pipe')
    execFileSync('mkfifo', [pipe])
    await fails(
      t,
      2,
      ['bake', `oci:${path}`, '-o', `${kind}:${pipe}`],
      /it is no file, and the archive would/,
    )
    t.true(statSync(pipe).isFIFO())
  })
}

test('a directory that is no layout is told at once, and an empty one is none', async (t) => {
  const { path } = await simpleLayout(t)
  const output = temporary(t, { other: '' })
  await fails(t, 7, ['bake', `oci:${path}`, '-o', `oci:${output}`], /it is no OCI layout/)
})

for (const flag of ['--trace-out', '--metadata-file', '--iidfile']) {
  test(`${flag}: a file that cannot be written is told at once`, async (t) => {
    const { path } = await simpleLayout(t)
    const directory = temporary(t)
    mkdirSync(join(directory, 'folder'))
    const bake = ['bake', `oci:${path}`, flag]
    await fails(t, 2, [...bake, join(directory, 'none/x')], new RegExp(`${flag} .*: there is no directory`))
    await fails(t, 2, [...bake, join(directory, 'folder')], /it is a directory/)
  })
}

test('trace: a file that cannot be written is told at once', async (t) => {
  const { path } = await simpleLayout(t)
  await fails(t, 2, ['trace', `oci:${path}`, '-o', '/nonexistent/x'], /--output .*: there is no directory/)
})

test('step: a file that cannot be written is told before the command is run', async (t) => {
  const ran = join(temporary(t), 'ran')
  const words = ['step', '--metadata-file', '/nonexistent/x', '--', 'touch', ran]
  await fails(t, 2, words, /--metadata-file .*: there is no directory/)
  t.false(existsSync(ran))
})

withMounts('a read-only place is told at once', async (t) => {
  const { path } = await simpleLayout(t)
  const directory = temporary(t)
  const script = `mount -t tmpfs -o ro none ${directory} && exec "$@"`
  const machine = ['unshare', '--mount', '--propagation', 'private', 'sh', '-c', script, 'sh']
  const bake = ['bake', `oci:${path}`, '-o', `oci:${directory}/out`, '--progress', 'quiet']
  const { code, stderr } = await pycdsAlone(bake, { machine })
  t.is(code, 2, stderr)
  t.regex(stderr, /the file system of .* is read-only/)
  t.false(existsSync(join(directory, 'out')))
})

const asRoot = process.getuid?.() === 0 && existsSync('/proc/self') ? test : test.skip
for (const output of ['oci:/proc/x', 'oci-archive:/proc/x.tar', 'docker-archive:/proc/x.tar']) {
  asRoot(
    `${output}: a place that lets nobody make anything, whatever its rights say, is told at once`,
    async (t) => {
      const { path } = await simpleLayout(t)
      await fails(t, 2, ['bake', `oci:${path}`, '-o', output], /output .*: nothing can be made in \/proc\n/)
    },
  )
}

asRoot('so it is for a file', async (t) => {
  const { path } = await simpleLayout(t)
  const words = ['bake', `oci:${path}`, '--iidfile', '/proc/x']
  await fails(t, 2, words, /--iidfile \/proc\/x: nothing can be made in \/proc\n/)
})
