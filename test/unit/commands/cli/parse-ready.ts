// SPDX-License-Identifier: Apache-2.0
import test from 'ava'
import { parseProbe, parseReady } from '../../../../src/commands/cli/parse-ready.js'

const ready = (text: string) => parseReady('--ready', text)
const probe = (text: string) => parseProbe('--probe', text)

const refuses = test.macro((t, parse: (text: string) => unknown, next: RegExp, ...texts: string[]) => {
  for (const text of texts) {
    const error = t.throws(() => parse(text), undefined, `accepted ${JSON.stringify(text)}`)
    t.is((error as { code?: string } | undefined)?.code, 'USAGE')
    t.regex(error?.message ?? '', /^--(ready|probe) /)
    t.regex((error as unknown as { hint: string }).hint, next)
  }
})

test('every form of readiness is read', (t) => {
  t.deepEqual(['exit', 'health', 'quiet:500ms', 'timer:5s', 'port:8000'].map(ready), [
    { kind: 'exit' },
    { kind: 'health' },
    { kind: 'quiet', ms: 500 },
    { kind: 'timer', ms: 5000 },
    { kind: 'port', port: 8000 },
  ])
  t.deepEqual(['http:8000/healthz?a=b', 'http:80'].map(ready), [
    { kind: 'http', port: 8000, path: '/healthz?a=b' },
    { kind: 'http', port: 80, path: '/' },
  ])
  t.deepEqual(ready('log:/ready: (\\d+)/i'), { kind: 'log', pattern: /ready: (\d+)/i })
  t.deepEqual(ready("cmd:sh -c 'test -e /tmp/up'"), { kind: 'cmd', command: ['sh', '-c', 'test -e /tmp/up'] })
})

test(
  'a kind that is none',
  refuses,
  ready,
  /Write one of|Did you mean/,
  'sometime',
  '',
  ':',
  'exit:0',
  'health:1',
  'port',
)
test('a kind that is nearly one', refuses, ready, /Did you mean port:8000\?/, 'prot:8000')
test('a duration that is none', refuses, ready, /500ms/, 'quiet:', 'quiet:2', 'timer:soon')
test('a port that is none', refuses, ready, /65535/, 'port:', 'port:0', 'port:65536', 'port:http', 'http:0/x')
test(
  'a target that is none',
  refuses,
  ready,
  /8000\/healthz/,
  'http:',
  'http:localhost:80',
  'http:80 /',
  'http:80/a b',
)
test('a pattern without slashes', refuses, ready, /slashes/, 'log:up', 'log:', 'log://', 'log:/a')
test('a pattern that is none', refuses, ready, /regular expression/, 'log:/(/', 'log:/a/q')
test('a command that is none', refuses, ready, /quote/, 'cmd:', 'cmd:sh -c "x', "cmd:''")

test('a probe is a request or a program', (t) => {
  t.deepEqual(probe('GET:8000/x'), { kind: 'http', method: 'GET', port: 8000, path: '/x' })
  const body = '{"a": 1}'
  t.deepEqual(probe(`POST:8000/x ${body}`), { kind: 'http', method: 'POST', port: 8000, path: '/x', body })
  t.deepEqual(probe('exec:python3 -m app.warm "a b"'), {
    kind: 'exec',
    command: ['python3', '-m', 'app.warm', 'a b'],
  })
})
test('a probe that is none', refuses, probe, /GET:8000/, 'get:8000/x', '/x', '', 'FETCH:80/', '8000')
test('a request without a port', refuses, probe, /8000\/healthz/, 'GET:/x', 'GET:')
