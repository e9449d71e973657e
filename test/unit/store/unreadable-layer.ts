// SPDX-License-Identifier: Apache-2.0
import test from 'ava'
import type { Digest } from '../../../src/image/index.js'
import { unreadableLayer } from '../../../src/oci/contents.js'

const digest = `sha256:${'0'.repeat(64)}` as Digest

test('an encrypted layer is called so, and another form by its media type', (t) => {
  const layer = (mediaType: string) => unreadableLayer('oci:x', { mediaType, digest, size: 1 })
  const encrypted = layer('application/vnd.oci.image.layer.v1.tar+gzip+encrypted')
  t.like(encrypted, { code: 'IMAGE_INVALID', exitCode: 7 })
  t.regex(encrypted.hint ?? '', /--decryption-key/)
  const nydus = layer('application/vnd.oci.image.layer.nydus.blob.v1')
  t.regex(nydus.message, /nydus/)
  t.notRegex(`${nydus.hint}${encrypted.hint}`, /damaged/)
})
