// SPDX-License-Identifier: Apache-2.0
import test from 'ava'
import {
  defaultOutputReference,
  formatReference,
  isImageId,
  parseReference,
} from '../../../src/image/index.js'

const HEX = '0123456789abcdef'.repeat(4)
const DIGEST = `sha256:${HEX}`

const parses = test.macro((t, text: string, expected: object) => {
  t.deepEqual(parseReference(text) as object, expected)
  t.is(formatReference(parseReference(text)), text)
})
test('a name alone', parses, 'app', { path: 'app' })
test('a name with a tag', parses, 'app:1.4', { path: 'app', tag: '1.4' })
test('a path whose first part is no host', parses, 'team/app', { path: 'team/app' })
test('a registry by its dot', parses, 'registry.example/app', { domain: 'registry.example', path: 'app' })
test('a registry by its port', parses, 'host:5000/team/app:1', {
  domain: 'host:5000',
  path: 'team/app',
  tag: '1',
})
test('a registry by a port that there is not', (t) => {
  t.throws(() => parseReference('host:99999/app'), { code: 'USAGE', message: /port/ })
})
test('a port is not a tag', parses, 'host:5000/app', { domain: 'host:5000', path: 'app' })
test('localhost is a registry', parses, 'localhost/app', { domain: 'localhost', path: 'app' })
test('a registry by its capitals', parses, 'Host/app', { domain: 'Host', path: 'app' })
test('a registry by address', parses, '[2001:db8::1]:5000/app', { domain: '[2001:db8::1]:5000', path: 'app' })
test('a digest', parses, `app@${DIGEST}`, { path: 'app', digest: DIGEST })
test('a tag and a digest', parses, `r.example/app:1@${DIGEST}`, {
  domain: 'r.example',
  path: 'app',
  tag: '1',
  digest: DIGEST,
})
test('separators inside a name', parses, 'g/a.b_c__d-e---f', { path: 'g/a.b_c__d-e---f' })
test('a short id is a name like others', parses, '0123456789ab', { path: '0123456789ab' })

const refuses = test.macro((t, text: string) => {
  t.throws(() => parseReference(text), { code: 'USAGE' })
})
for (const text of [
  ...['', ' ', 'App', 'app:', ':1', 'app:-x', 'app:a b', `app:${'x'.repeat(129)}`, 'app@', 'app@sha256:12'],
  ...['a//b', '/a', 'a/', 'a..b', 'a___b', '-a', 'a-', 'host:port/app', 'team/App', '../containers', 'a?b=c'],
  ...[DIGEST, HEX, 'x'.repeat(256), 'app\n', 'app:1\n', '-host.example/app'],
]) {
  test(`${JSON.stringify(text.slice(0, 30))} (${text.length}) is not a name`, refuses, text)
}

const names = test.macro((t, text: string, expected: string) => {
  t.is(formatReference(defaultOutputReference(parseReference(text))), expected)
})
test('the output is named behind the tag', names, 'app:1', 'app:1-cds')
test('without a tag, behind the one that is meant', names, 'app', 'app:latest-cds')
test('a registry stays', names, 'host:5000/team/app', 'host:5000/team/app:latest-cds')
test('a digest gives way to a tag', names, `app@${DIGEST}`, 'app:cds')
test('of tag and digest, the tag is kept', names, `app:1@${DIGEST}`, 'app:1-cds')

test('a tag that leaves no room is refused', (t) => {
  const reference = parseReference(`app:${'x'.repeat(126)}`)
  t.throws(() => defaultOutputReference(reference), { code: 'USAGE' })
})

test('full ids are told from names', (t) => {
  t.true(isImageId(DIGEST))
  t.true(isImageId(HEX))
  t.false(isImageId(HEX.slice(1)))
  t.false(isImageId(`app@${DIGEST}`))
})
