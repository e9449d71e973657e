// SPDX-License-Identifier: Apache-2.0
// A configuration that the engine keeps as a file spares the export of the image; nothing but the very content counts.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import test from 'ava'
import { sha256Digest } from '../../../../src/image/index.js'
import type { SourceImage } from '../../../../src/ports/index.js'
import { DockerImageStore } from '../../../../src/store/docker-daemon/index.js'
import { packTar } from '../../../../src/tar/index.js'
import { refuse, startFakeEngine } from '../../../helpers/fake-engine.js'
import { sampleConfig } from '../../../helpers/image.js'
import { file } from '../../../helpers/tar.js'

const exact = sampleConfig()
const content = Buffer.from(JSON.stringify(exact, null, 1))
const id = sha256Digest(content)
const { diff_ids: diffIds } = exact.rootfs
const image: SourceImage = {
  ...{ reference: 'app:1', id, config: sampleConfig({ history: [] }) },
  ...{ os: 'linux', architecture: 'amd64', layers: diffIds.length, diffIds },
}

/** What the engine keeps of the image, whether it tells where, and whether it is asked for an export. */
const reads = test.macro(async (t, kept: Buffer | undefined, tells: boolean, isExported: boolean) => {
  const root = mkdtempSync(join(tmpdir(), 'pycds-kept-'))
  t.teardown(() => rmSync(root, { recursive: true }))
  const folder = join(root, 'image/overlay2/imagedb/content/sha256')
  mkdirSync(folder, { recursive: true })
  if (kept) writeFileSync(join(folder, id.slice('sha256:'.length)), kept)
  const exported = await packTar([file(`${id.slice('sha256:'.length)}.json`, content.toString())])
  const engine = await startFakeEngine(t, ({ what }, response) => {
    if (what === 'GET /info') {
      return tells ? { DockerRootDir: root, Driver: 'overlay2' } : refuse(response, 403, 'Forbidden')
    }
    response.end(exported)
    return undefined
  })
  t.deepEqual(await new DockerImageStore(engine.connection).readConfig(image), exact)
  t.is(
    engine.calls.some(({ what }) => what === `GET /images/${id}/get`),
    isExported,
  )
})

test('a file with the content of the image is read, and nothing is exported', reads, content, true, false)
test('other content is no configuration of the image', reads, Buffer.from('{}'), true, true)
test('an engine that keeps it elsewhere exports it', reads, undefined, true, true)
test('an engine that does not tell where it keeps images exports it', reads, content, false, true)
