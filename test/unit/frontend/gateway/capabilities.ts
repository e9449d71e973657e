// SPDX-License-Identifier: Apache-2.0
import { create } from '@bufbuild/protobuf'
import test from 'ava'
import type { PycdsError } from '../../../../src/errors/index.js'
import { readCapabilities } from '../../../../src/frontend/gateway/capabilities.js'
import { PongResponseSchema } from '../../../../src/frontend/gen/gateway_pb.js'
import { OLD_BUILDER } from '../../../helpers/builder-capabilities.js'

test('the capabilities of Docker 20.10 are enough, and no more is assumed', (t) => {
  const capabilities = readCapabilities(create(PongResponseSchema, OLD_BUILDER))
  t.false(capabilities.supports('gateway.warnings'))
})

for (const list of ['frontendAPICaps', 'llbCaps'] as const) {
  test(`something that is missing from ${list} is named`, (t) => {
    const [first] = OLD_BUILDER[list]
    const pong = create(PongResponseSchema, { ...OLD_BUILDER, [list]: OLD_BUILDER[list].slice(1) })
    const error = t.throws<PycdsError>(() => readCapabilities(pong))
    t.is(error?.code, 'ENGINE_FAILED')
    t.true(error?.message.includes(first?.id ?? '-'))
  })
}

test('a capability that is switched off counts as missing, with the reason', (t) => {
  const [first, ...rest] = OLD_BUILDER.llbCaps
  const off = { ...first, enabled: false, disabledReasonMsg: 'by the administrator' }
  const pong = create(PongResponseSchema, { ...OLD_BUILDER, llbCaps: [off, ...rest] })
  t.regex(t.throws(() => readCapabilities(pong))?.message ?? '', /\(by the administrator\)/)
})
