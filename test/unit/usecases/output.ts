// SPDX-License-Identifier: Apache-2.0
import test from 'ava'
import { chooseOutput, type OutputRequest } from '../../../src/usecases/output.js'

const chooses = test.macro((t, request: OutputRequest, output: string, name?: string) => {
  t.is(chooseOutput(request, name), output)
})

test('an engine image gets -cds', chooses, { reference: 'app:1' }, 'app:1-cds')
test('--tag names it', chooses, { reference: 'app:1', tag: 'app:fast' }, 'app:fast')
test(
  'a layout: the tag that the store found counts',
  chooses,
  { reference: 'oci:d' },
  'oci:d:3-cds',
  'oci:d:3',
)
test('--tag is a tag in a layout', chooses, { reference: 'oci:d:1', tag: 'fast' }, 'oci:d:fast')
test('another layout', chooses, { reference: 'oci:d:1', output: 'oci:e' }, 'oci:e:1-cds')
test(
  'another kind',
  chooses,
  { reference: 'oci:d:1', output: 'oci-archive:e.tar' },
  'oci-archive:e.tar:1-cds',
)
test(
  'a Docker archive of an engine image has its whole name',
  chooses,
  { reference: 'app:1', output: 'docker-archive:e.tar' },
  'docker-archive:e.tar:app:1-cds',
)
test(
  'a layout of an engine image has its tag',
  chooses,
  { reference: 'reg.io/app:1', output: 'oci:e' },
  'oci:e:1-cds',
)
test('a registry', chooses, { reference: 'docker://r.io/a:1' }, 'registry:r.io/a:1-cds', 'registry:r.io/a:1')
test('a tag there', chooses, { reference: 'registry:r.io/a:1', tag: 'fast' }, 'registry:r.io/a:fast')
test(
  'another repository',
  chooses,
  { reference: 'registry:r.io/a:1', output: 'docker://s.io/b' },
  'registry:s.io/b:1-cds',
)
test(
  'a registry for an image of an engine',
  chooses,
  { reference: 'a:1', output: 'registry:s.io/b:2' },
  'registry:s.io/b:2',
)
test('--output and --tag together', chooses, { reference: 'oci:d:1', output: 'oci:e', tag: 'x' }, 'oci:e:x')
test('an engine as the target', chooses, { reference: 'oci:d:1', output: 'app:2' }, 'app:2')

const refuses = test.macro((t, request: OutputRequest) => {
  t.is((t.throws(() => chooseOutput(request)) as { code?: string }).code, 'USAGE')
})

test('the source itself is refused', refuses, { reference: 'oci:d:1', tag: '1' })
test('also by another spelling', refuses, { reference: 'oci:d:1', output: 'oci:./d/../d:1' })
test('the same in a registry', refuses, { reference: 'registry:r.io/a:1', output: 'docker://r.io/a:1' })
test('two names are refused', refuses, { reference: 'oci:d:1', output: 'oci:e:1', tag: 'x' })
test('a digest cannot be chosen', refuses, {
  reference: 'oci:d:1',
  output: `oci:e:@sha256:${'a'.repeat(64)}`,
})

const names = test.macro((t, request: OutputRequest, message: RegExp, hint: RegExp) => {
  const error = t.throws(() => chooseOutput(request)) as { code?: string; message: string; hint?: string }
  t.is(error.code, 'USAGE')
  t.regex(error.message, message)
  t.regex(error.hint ?? '', hint)
})

for (const reference of ['app:1', 'oci:d:1', 'docker-archive:d.tar:app:1']) {
  test(
    `${reference}: a location as --tag`,
    names,
    { reference, tag: 'oci:e:fast' },
    /^--tag oci:e:fast/,
    /--output oci:e:fast/,
  )
  test(`${reference}: a path as --tag`, names, { reference, tag: './e' }, /^--tag \.\/e: /, /oci:\.\/e/)
  test(
    `${reference}: a file as --output`,
    names,
    { reference, output: 'e.tar' },
    /^--output e\.tar: /,
    /docker-archive:e\.tar/,
  )
  test(
    `${reference}: a form of skopeo as --output`,
    names,
    { reference, output: 'dir:e' },
    /^--output dir:e: /,
    /skopeo/,
  )
}
