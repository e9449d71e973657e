// SPDX-License-Identifier: Apache-2.0
import test from 'ava'
import { readRequest } from '../../../../src/frontend/gateway/environment.js'

test('options are collected whatever their numbers, and split at the first equals sign', (t) => {
  const request = readRequest({
    BUILDKIT_SESSION_ID: 's1',
    BUILDKIT_FRONTEND_OPT_7: 'build-arg:URL=a=b=c',
    BUILDKIT_FRONTEND_OPT_0: 'no-cache=',
    BUILDKIT_FRONTEND_OPT_12: 'requestid',
    BUILDKIT_FRONTEND_OPT_X: 'not=one',
    PATH: '/bin',
  })
  t.is(request?.session, 's1')
  t.deepEqual([...(request?.options ?? [])].sort(), [
    ['build-arg:URL', 'a=b=c'],
    ['no-cache', ''],
    ['requestid', ''],
  ])
})

test('without a session nobody has asked', (t) => {
  t.is(readRequest({ PATH: '/bin' }), undefined)
})
