// SPDX-License-Identifier: Apache-2.0
import test from 'ava'
import { automaticReady, DEFAULT_READY, formatReady, healthCommand } from '../../../../src/learn/run/ready.js'
import { sampleConfig } from '../../../helpers/image.js'

test('an image with a HEALTHCHECK is ready when it passes, one with ports when one opens', (t) => {
  const Healthcheck = { Test: ['CMD-SHELL', 'curl -f localhost'] }
  const ExposedPorts = { '9000/tcp': {}, '53/udp': {}, '80': {} }
  t.deepEqual(automaticReady(sampleConfig({ config: { Healthcheck, ExposedPorts } })).specs, [
    { kind: 'exit' },
    { kind: 'health' },
  ])
  t.deepEqual(automaticReady(sampleConfig({ config: { ExposedPorts } })).specs, [
    { kind: 'exit' },
    { kind: 'port', port: 80 },
    { kind: 'port', port: 9000 },
  ])
  t.is(automaticReady(sampleConfig({ config: { ExposedPorts: { '53/udp': {} } } })), DEFAULT_READY)
})

test('what nobody asked for is not waited for to the end', (t) => {
  t.true(
    (automaticReady(sampleConfig({ config: { ExposedPorts: { '80/tcp': {} } } })).fallbackQuietMs ?? 0) > 0,
  )
})

test('a HEALTHCHECK runs as it is written, or with the shell of the image', (t) => {
  const of = (Test: string[], more: object = {}) =>
    healthCommand(sampleConfig({ config: { Healthcheck: { Test }, ...more } }))
  t.deepEqual(of(['CMD', 'check', '-x']), ['check', '-x'])
  t.deepEqual(of(['CMD-SHELL', 'a && b']), ['/bin/sh', '-c', 'a && b'])
  t.deepEqual(of(['CMD-SHELL', 'a'], { Shell: ['/bin/bash', '-ec'] }), ['/bin/bash', '-ec', 'a'])
  for (const none of [['NONE'], [], ['CMD'], ['CMD-SHELL']]) t.is(of(none), undefined)
  t.is(healthCommand(sampleConfig()), undefined)
})

test('a readiness is written as it is read', (t) => {
  t.is(formatReady({ kind: 'quiet', ms: 1500 }), 'quiet:1.5s')
  t.is(formatReady({ kind: 'http', port: 80, path: '/x' }), 'http:80/x')
  t.is(formatReady({ kind: 'log', pattern: /up/i }), 'log:/up/i')
  t.is(formatReady({ kind: 'cmd', command: ['a', 'b'] }), 'cmd:a b')
})
