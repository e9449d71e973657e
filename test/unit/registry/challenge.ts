// SPDX-License-Identifier: Apache-2.0
import test from 'ava'
import { parseChallenge } from '../../../src/registry/challenge.js'

const BEARER = { scheme: 'bearer', realm: 'https://auth.example/token', service: 'registry.example' } as const

const reads = test.macro((t, header: string | readonly string[] | undefined, expected: unknown) => {
  t.deepEqual(parseChallenge(header) as unknown, expected)
})

test('none', reads, undefined, undefined)
test('Basic', reads, 'Basic realm="x"', { scheme: 'basic' })
test(
  'Bearer',
  reads,
  'Bearer realm="https://auth.example/token",service="registry.example",scope="repository:a/b:pull,push"',
  BEARER,
)
test(
  'any case, spaces, values without quotes',
  reads,
  'bearer  Realm=https://auth.example/token , SERVICE="registry.example"',
  BEARER,
)
test(
  'Bearer before Basic, in one header',
  reads,
  'Basic realm="a, b", Bearer realm="https://auth.example/token",service="registry.example"',
  BEARER,
)
test(
  'the same in two headers',
  reads,
  ['Basic realm="x"', 'Bearer realm="https://auth.example/token",service="registry.example"'],
  BEARER,
)
test('a realm that is no address', reads, 'Bearer realm="nowhere"', undefined)
test('something else', reads, 'Negotiate', undefined)
