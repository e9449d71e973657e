// SPDX-License-Identifier: Apache-2.0
import test from 'ava'
import {
  EngineReply,
  engineError,
  shortenReason,
  statusOf,
  streamedError,
} from '../../../src/docker/failure.js'

const shortens = test.macro((t, text: string, expected: string) => {
  t.is(shortenReason(text), expected)
})
test(
  'of a runtime only its reason is left',
  shortens,
  'failed to create shim task: OCI runtime create failed: runc create failed: unable to start container process: exec: "x": executable file not found in $PATH: unknown',
  'exec: "x": executable file not found in $PATH',
)
test(
  'also in the words of older runtimes',
  shortens,
  'OCI runtime create failed: container_linux.go:380: starting container process caused: exec: "/x": stat /x: no such file or directory: unknown',
  'exec: "/x": stat /x: no such file or directory',
)
test(
  'of a failed call, what it was about',
  shortens,
  'Error processing tar file(exit status 1): open /a/b: no such file or directory',
  'open /a/b: no such file or directory',
)
test(
  'a user that does not exist',
  shortens,
  'unable to find user foo: no matching entries in passwd file',
  'unable to find user foo: no matching entries in passwd file',
)
test('a sentence stays a sentence', shortens, 'No command specified', 'No command specified')
test('only the first line counts', shortens, 'first\nsecond', 'first')
test('nothing stays nothing', shortens, '', '')

test('what stays long is cut', (t) => {
  t.true(shortenReason('x'.repeat(5000)).length < 400)
})

const maps = test.macro((t, error: unknown, code: string, message: RegExp) => {
  const mapped = engineError(error, 'image app:1', 'unix:///x.sock')
  t.is(mapped.code, code as typeof mapped.code)
  t.regex(mapped.message, message)
  t.is(mapped.cause, error)
})
const systemError = (code: string) => Object.assign(new Error(`connect ${code}`), { code })
for (const code of ['ECONNREFUSED', 'ENOENT', 'EACCES', 'ECONNRESET', 'EPIPE', 'ENOTFOUND', 'ETIMEDOUT']) {
  test(
    `${code} means no engine`,
    maps,
    systemError(code),
    'ENGINE_UNREACHABLE',
    /^engine at unix:\/\/\/x\.sock: /,
  )
}
test('a hang-up means no engine', maps, new Error('socket hang up'), 'ENGINE_UNREACHABLE', /./)
test(
  'a missing image is named',
  maps,
  new EngineReply(404, 'No such image: app:1'),
  'IMAGE_NOT_FOUND',
  /^image app:1: not found/,
)
test(
  'a full disk is known by its words, wherever they come from',
  maps,
  new EngineReply(500, 'Error processing tar file(exit status 1): write /x: no space left on device'),
  'NO_SPACE',
  /^image app:1: /,
)
test('a refusal gives the reason', maps, new EngineReply(409, 'Conflict: in use'), 'ENGINE_FAILED', /in use$/)
test('a refusal without a reason says so', maps, new EngineReply(500, ''), 'ENGINE_FAILED', /no reason/)
test('anything else is a failure of the engine', maps, new Error('odd'), 'ENGINE_FAILED', /odd/)

test('an error that is ours already stays', (t) => {
  const ours = engineError(new Error('x'), 'a', 'b')
  t.is(engineError(ours, 'c', 'd'), ours)
})

test('the status is known when the engine answered', (t) => {
  t.is(statusOf(engineError(new EngineReply(404, 'x'), 'a', 'b')), 404)
  t.is(statusOf(engineError(systemError('ENOENT'), 'a', 'b')), undefined)
  t.is(statusOf(undefined), undefined)
})

test('errors inside an answer are mapped alike', (t) => {
  t.is(streamedError('write /x: no space left on device', 'a').code, 'NO_SPACE')
  t.is(streamedError('odd', 'a').code, 'ENGINE_FAILED')
})
