// SPDX-License-Identifier: Apache-2.0
import test from 'ava'
import { learningContent } from '../../../src/artifact/content.js'
import { parseManifest } from '../../../src/artifact/kind/manifest.js'
import { schemaErrors } from '../../helpers/schemas.js'

const python = { version: '3.11.2', executable: '/usr/bin/python3', library: '/usr/lib/libpython3.11.so.1.0' }
const identity = { kind: 'build-id', machine: 62, hex: 'ab12' } as const

test('a prepared image has a manifest as a baked one, of an archive of nothing', (t) => {
  // With more than the manifest takes of it.
  const installed = { ...python, siteDirectory: '/site' }
  const { manifest, artifacts } = learningContent({
    ...{ python: installed, identity, origin: 'sha256:1', directory: '/learn' },
    ...{ runtime: Buffer.alloc(0), siteDirectory: '/site' },
  })
  t.deepEqual(schemaErrors('manifest', JSON.parse(manifest.toString())), [])
  t.like(parseManifest(manifest), {
    ...{ source: 'sha256:1', python: { ...python, ...identity }, modules: 0, leftOut: [] },
  })
  t.deepEqual(Object.keys(JSON.parse(manifest.toString()).python), [
    ...Object.keys(python),
    ...Object.keys(identity),
  ])
  const [note] = artifacts[0]?.files('/opt/pycds') ?? []
  t.is(note?.body.toString(), '/learn\nsha256:1\n')
})
