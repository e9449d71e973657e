// SPDX-License-Identifier: Apache-2.0
import { execFileSync } from 'node:child_process'
import test from 'ava'
import { isAbandoned, ownerMark } from '../../../src/util/owner.js'

const [world, , , id] = ownerMark().split('-')

test('a process that runs owns what it made', (t) => {
  t.false(isAbandoned(`x-${ownerMark()}.tmp`))
})

test('a process that has ended does not, nor one whose number another one has now', (t) => {
  const ended = execFileSync('sh', ['-c', 'echo $$']).toString().trim()
  t.true(isAbandoned(`${world}-${ended}-1-${id}`))
  t.true(isAbandoned(`${world}-${process.pid}-1-${id}`))
})

test('what another machine or container has made is not judged, and no other text is a mark', (t) => {
  t.false(isAbandoned(`00000000-${process.pid}-1-${id}`))
  t.false(isAbandoned('latest'))
})

test('each mark differs, and can be a tag of an image', (t) => {
  t.not(ownerMark(), ownerMark())
  t.regex(ownerMark(), /^[a-z0-9-]{1,128}$/)
})
