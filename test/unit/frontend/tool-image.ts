// SPDX-License-Identifier: Apache-2.0
import test from 'ava'
import { fullName } from '../../../src/frontend/tool-image.js'

const names = test.macro((t, short: string, full: string) => t.is(fullName(short), full))

test(
  'a name without a place is in the default registry',
  names,
  'pycds/frontend',
  'docker.io/pycds/frontend:latest',
)
test('one word is in its library', names, 'frontend:1', 'docker.io/library/frontend:1')
test('a port is no tag', names, 'localhost:5000/a/b', 'localhost:5000/a/b:latest')
test('a host has a dot', names, 'reg.example/a:2', 'reg.example/a:2')
test('localhost is a host', names, 'localhost/a', 'localhost/a:latest')
test('a digest needs no tag', names, 'a/b@sha256:00', 'docker.io/a/b@sha256:00')
