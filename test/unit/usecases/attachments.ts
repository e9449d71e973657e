// SPDX-License-Identifier: Apache-2.0
// What a bake says, and copies, of what is attached to its source.
import test from 'ava'
import { PycdsError } from '../../../src/errors/index.js'
import { TRACE_SCHEMA, type Trace } from '../../../src/learn/trace/trace-file.js'
import type { Attachment, AttachmentStore, SourceImage } from '../../../src/ports/index.js'
import { assertCopies, carryAttachments } from '../../../src/usecases/attachments.js'
import { pullTrace, pushTrace } from '../../../src/usecases/trace-artifact.js'

const SIGNATURE: Attachment = { digest: 'sha256:1', type: 'a signature', kind: 'signature' }
const BILL: Attachment = { digest: 'sha256:2', type: 'a bill', kind: 'other' }

/** A registry in which the source has some attachments; what is copied is kept. */
function withAttachments(found: Attachment[], failure?: Error) {
  const copied: string[] = []
  const store: AttachmentStore = {
    holds: (reference) => reference.startsWith('registry:'),
    list: async () => {
      if (failure) throw failure
      return found
    },
    copy: async (from, to, digests) => {
      copied.push(...digests.map((digest) => `${from} ${to} ${digest}`))
    },
    attach: async () => '',
    read: async () => [],
  }
  return { store, copied }
}

const reference = 'registry:r/a:1'
const output = 'registry:r/a:2'

test('a source without attachments, or outside of registries, has nothing said of it', async (t) => {
  t.deepEqual(await carryAttachments({ reference }, output, withAttachments([]).store), [])
  t.deepEqual(await carryAttachments({ reference: 'oci:d' }, output, withAttachments([BILL]).store), [])
  t.deepEqual(await carryAttachments({ reference: 'oci:d' }, 'oci:e', undefined), [])
})

test('what the new image is without is told, with the option that copies what stays true', async (t) => {
  const { store, copied } = withAttachments([SIGNATURE, BILL])
  const [said = '', ...more] = await carryAttachments({ reference }, output, store)
  t.deepEqual(more, [])
  t.regex(said, /2 referrers.*a signature, a bill.*--copy-referrers copies a bill$/)
  t.deepEqual(copied, [])
})

test('copies are made of what stays true alone, and the rest is told', async (t) => {
  const { store, copied } = withAttachments([SIGNATURE, BILL])
  const said = await carryAttachments({ reference, copyReferrers: true }, output, store)
  t.deepEqual(copied, [`${reference} ${output} sha256:2`])
  t.regex(said.join(), /1 referrer .*a signature; sign the new image$/)
  const all = withAttachments([BILL])
  t.deepEqual(await carryAttachments({ reference, copyReferrers: true }, output, all.store), [])
})

test('a list that cannot be had fails only who asked for copies', async (t) => {
  const { PycdsError } = await import('../../../src/errors/index.js')
  const failure = new PycdsError('REGISTRY_UNREACHABLE', { message: 'silent', hint: '' })
  const { store } = withAttachments([], failure)
  t.regex((await carryAttachments({ reference }, output, store)).join(), /cannot be told \(silent\)/)
  await t.throwsAsync(carryAttachments({ reference, copyReferrers: true }, output, store), {
    code: 'REGISTRY_UNREACHABLE',
  })
})

test('copies need a registry on both sides', (t) => {
  const { store } = withAttachments([])
  t.notThrows(() => assertCopies({ reference, copyReferrers: true }, output, store))
  t.notThrows(() => assertCopies({ reference: 'app:1' }, 'app:2', undefined))
  for (const [from, to] of [
    ['app:1', output],
    [reference, 'oci:d'],
  ] as const) {
    t.throws(() => assertCopies({ reference: from, copyReferrers: true }, to, store), { code: 'USAGE' })
  }
  t.throws(() => assertCopies({ reference, copyReferrers: true }, output, undefined), { code: 'USAGE' })
})

test('an image without a trace is told as such', async (t) => {
  await t.throwsAsync(pullTrace(reference, withAttachments([]).store), { code: 'TRACE_INVALID' })
})

for (const [what, images, isForeign] of [
  ['that image', ['sha256:own'], false],
  ['its manifest, as an engine may call it', ['sha256:manifest'], false],
  ['what it was baked from', ['sha256:source'], false],
  ['several, and that one among them', ['sha256:other', 'sha256:own'], false],
  ['no image, as learned ones', [], false],
  ['another image', [`sha256:${'0'.repeat(64)}`], true],
] as const) {
  test(`a trace of ${what} is attached${isForeign ? ', with a warning' : ''}`, async (t) => {
    const trace = {
      ...{ schema: TRACE_SCHEMA, images: images.map((id) => ({ id, platform: 'linux/amd64' })) },
      python: { version: '3.11.2', cacheTag: 'cpython-311', executable: '/usr/bin/python3', optimize: 0 },
      ...{ siteDirectories: [], modules: [], regexes: [], sources: [], files: [], leftOut: [] },
    } satisfies Trace
    const labels = { 'io.pycds.source': 'sha256:source', 'io.pycds.layer': 'sha256:layer' }
    const image = {
      ...{ id: 'sha256:own', manifest: 'sha256:manifest' },
      config: { config: { Labels: labels }, rootfs: { type: 'layers', diff_ids: ['sha256:layer'] } },
    } as unknown as SourceImage
    const asked = { file: 'trace.json', image: reference, trace }
    const attachments = withAttachments([]).store
    const { warnings } = await pushTrace(asked, { attachments, store: { resolve: async () => image } })
    t.is(warnings.length, isForeign ? 1 : 0)
    if (isForeign)
      t.regex(warnings.join(), /^trace trace\.json: it is of another image \(0{12}\) than registry:r\/a:1/)
    const nowhere = async () => {
      throw new PycdsError('IMAGE_NOT_FOUND', { message: 'no image for this machine', hint: '' })
    }
    t.deepEqual((await pushTrace(asked, { attachments, store: { resolve: nowhere } })).warnings, [])
  })
}
