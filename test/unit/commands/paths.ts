// SPDX-License-Identifier: Apache-2.0
// A path where the name of an image is expected, in every verb that takes one: what lies there is told, and how it is written.
import { writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import test, { type ExecutionContext } from 'ava'
import { packTar } from '../../../src/tar/index.js'
import { pycdsAlone } from '../../helpers/cli.js'
import { refuse, startFakeEngine } from '../../helpers/fake-engine.js'
import { simpleLayout } from '../../helpers/layout.js'
import { file } from '../../helpers/tar.js'
import { temporary } from '../../helpers/temporary.js'

const VERBS: Readonly<Record<string, readonly string[]>> = {
  bake: [],
  bench: [],
  doctor: [],
  generate: [],
  inspect: [],
  prepare: [],
  trace: ['-o', 'trace.json'],
  verify: [],
}

/** A Dockerfile cannot be built on what lies in files. */
const IN_FILES = /put it into an engine or a registry/

/** Where a layout and a tar lie side by side. */
async function folderWith(t: ExecutionContext): Promise<string> {
  const { path } = await simpleLayout(t)
  const folder = dirname(path)
  writeFileSync(join(folder, 'image.tar'), await packTar([file('manifest.json', '[]')]))
  return folder
}

async function tells(t: ExecutionContext, words: readonly string[], cwd: string, ...says: RegExp[]) {
  // An engine that has no image at all.
  const { address } = await startFakeEngine(t, ({ what }, response) =>
    what.startsWith('GET /images/')
      ? refuse(response, 404, 'No such image: x')
      : { Version: '20.10', ApiVersion: '1.41', Os: 'linux', Arch: 'amd64', Driver: 'overlay2' },
  )
  const { code, stdout, stderr } = await pycdsAlone(words, { cwd, env: { DOCKER_HOST: address } })
  t.true(code === 2 || code === 7, `${code} ${stderr}`)
  for (const one of says) t.regex(stdout + stderr, one, words.join(' '))
}

for (const [verb, more] of Object.entries(VERBS)) {
  test(`${verb}: a layout or a tar is told how it is written`, async (t) => {
    const cwd = await folderWith(t)
    const says = (text: RegExp) => (verb === 'generate' ? IN_FILES : text)
    for (const name of ['layout', './layout']) {
      // A name without a path is first of all that of an image.
      const isName = verb === 'generate' && name === 'layout'
      const form = new RegExp(`Write oci:${name}`)
      await tells(t, [verb, name, ...more], cwd, isName ? form : says(form))
    }
    const tar = './image.tar'
    await tells(t, [verb, tar, ...more], cwd, says(new RegExp(`docker-archive:${tar} .*oci-archive:${tar} `)))
  })
}

test('the folder of a Dockerfile is built first', async (t) => {
  const folder = temporary(t, { Dockerfile: 'FROM x\n' })
  await tells(t, ['bake', folder], '/', /docker build -t NAME /)
  // There containers may have learned.
  await tells(t, ['inspect', folder], '/', /PYCDS_LEARN.*\n {2}see .*docs\/learning\.md\n/)
})

test('a layout needs no engine, which is told where there is none', async (t) => {
  const cwd = await folderWith(t)
  const env = { DOCKER_HOST: 'unix:///nonexistent/engine.sock' }
  const { code, stderr } = await pycdsAlone(['bake', 'layout'], { cwd, env })
  t.is(code, 6)
  t.regex(stderr, /next {2}Write oci:layout .*needs no engine/)
  const other = await pycdsAlone(['bake', 'app'], { cwd, env })
  t.is(other.code, 6)
  t.regex(other.stderr, /oci:DIR.*need none/)
})

test('a path that leads nowhere is told as one, as the path of an archive, too', async (t) => {
  for (const verb of ['bake', 'inspect', 'verify'])
    await tells(t, [verb, './gone.cds'], temporary(t), /gone\.cds": .*there is no such file or directory/)
})

test('inspect: what is called like an archive and is not there is told as a file, too', async (t) => {
  const cwd = temporary(t)
  for (const name of ['gone.cds', 'gone.snap']) {
    await tells(
      t,
      ['inspect', name],
      cwd,
      /gone\.\w+: there is no such file, and .*not found/,
      /path of the file/,
    )
    const env = { DOCKER_HOST: 'unix:///nonexistent/engine.sock' }
    const { code, stderr } = await pycdsAlone(['inspect', name], { cwd, env })
    t.is(code, 6)
    t.regex(stderr, /there is no such file, and .*nothing answers/)
  }
})
