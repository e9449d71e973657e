// SPDX-License-Identifier: Apache-2.0
import test from 'ava'
import {
  defaultOutputLocation,
  formatLocation,
  isLocation,
  type Location,
  parseLocation,
  renameLocation,
} from '../../../src/image/index.js'

const DIGEST = `sha256:${'a'.repeat(64)}`

const parses = test.macro((t, text: string, location: object) => {
  t.deepEqual(parseLocation(text), location as Location)
  t.is(formatLocation(location as Location), text)
})

test('a layout', parses, 'oci:dir/x', { kind: 'oci', path: 'dir/x' })
test('a path of Windows', parses, 'oci:C:\\dir\\x', { kind: 'oci', path: 'C:\\dir\\x' })
test('a path of Windows with a tag', parses, 'oci:C:/dir:1.4', { kind: 'oci', path: 'C:/dir', name: '1.4' })
test('a directory of one letter', parses, 'oci:c:1.4', { kind: 'oci', path: 'c', name: '1.4' })
test('a layout with a tag', parses, 'oci:/dir:1.4', { kind: 'oci', path: '/dir', name: '1.4' })
test('a tag that is a whole name', parses, 'oci:dir:reg.io:5000/app:1', {
  ...{ kind: 'oci', path: 'dir', name: 'reg.io:5000/app:1' },
})
test('a digest', parses, `oci:dir:@${DIGEST}`, { kind: 'oci', path: 'dir', digest: DIGEST })
test('an OCI archive', parses, 'oci-archive:x.tar:1', { kind: 'oci-archive', path: 'x.tar', name: '1' })
test('a Docker archive', parses, 'docker-archive:x.tar:app:1', {
  ...{ kind: 'docker-archive', path: 'x.tar', name: 'app:1' },
})

test('a registry', parses, 'registry:reg.io:5000/a/b:1', {
  kind: 'registry',
  path: 'reg.io:5000/a/b',
  name: '1',
})
test('a registry with neither tag nor port', parses, 'registry:reg/b', { kind: 'registry', path: 'reg/b' })
test('a digest in a registry', parses, `registry:reg.io/b@${DIGEST}`, {
  ...{ kind: 'registry', path: 'reg.io/b', digest: DIGEST },
})
test('a tag beside it', parses, `registry:reg.io/b:1@${DIGEST}`, {
  ...{ kind: 'registry', path: 'reg.io/b', name: '1', digest: DIGEST },
})

const means = test.macro((t, text: string, location: string) => {
  t.true(isLocation(text))
  const parsed = parseLocation(text)
  t.is(parsed && formatLocation(parsed), location)
})
test('docker:// means a registry', means, 'docker://reg.io:5000/a/b:1', 'registry:reg.io:5000/a/b:1')
test('also one without a dot', means, 'docker://localhost:5000/b', 'registry:localhost:5000/b')
test('a short name is of Docker Hub', means, 'docker://python:3.13', 'registry:docker.io/library/python:3.13')
test('also one with a user', means, `docker://a/b@${DIGEST}`, `registry:docker.io/a/b@${DIGEST}`)

test('a name in a Docker archive without a tag means latest', (t) => {
  t.is(parseLocation('docker-archive:x.tar:app')?.name, 'app:latest')
})

test('the name of an image in an engine is no location', (t) => {
  t.is(parseLocation('app:latest'), undefined)
  t.is(parseLocation('ocis:latest'), undefined)
})

const refuses = test.macro((t, text: string) => {
  t.is((t.throws(() => parseLocation(text)) as { code?: string }).code, 'USAGE')
})
for (const text of [
  'oci:',
  'oci::1',
  'oci:dir:',
  'oci:dir:a b',
  'oci:dir:@sha256:12',
  'registry:',
  'registry:python:3.13',
  'registry:reg.io/A:1',
  'registry:reg.io/a:b c',
  'registry:reg.io/a@sha256:12',
  'docker://',
  'docker:///a',
  'docker-archive:x.tar:App',
  `docker-archive:x.tar:app@${DIGEST}`,
  `oci:dir:${'a'.repeat(300)}`,
]) {
  test(`${text.slice(0, 40)} is refused`, refuses, text)
}

const defaults = test.macro((t, from: string, to: string) => {
  const location = parseLocation(from)
  t.truthy(location)
  if (location) t.is(formatLocation(defaultOutputLocation(location)), to)
})
test('a layout gets one more tag', defaults, 'oci:dir:1', 'oci:dir:1-cds')
test(
  'a registry has the tag in the same repository',
  defaults,
  'registry:r.io:1/a:1',
  'registry:r.io:1/a:1-cds',
)
test('without a tag it is the latest', defaults, 'docker://r.io/a', 'registry:r.io/a:latest-cds')
test('a digest there', defaults, `registry:r.io/a@${DIGEST}`, 'registry:r.io/a:cds')
test('a layout without a tag too', defaults, 'oci:dir', 'oci:dir:latest-cds')
test('a digest has no tag to go by', defaults, `oci:dir:@${DIGEST}`, 'oci:dir:cds')
test('an archive gets a file beside it', defaults, 'oci-archive:a/x.tar:1', 'oci-archive:a/x-cds.tar:1-cds')
test('also without an extension', defaults, 'docker-archive:x:app:1', 'docker-archive:x-cds:app:1-cds')

test('a location can be renamed', (t) => {
  const location = parseLocation('oci:dir:1')
  if (location) t.is(formatLocation(renameLocation(location, 'fast')), 'oci:dir:fast')
})
