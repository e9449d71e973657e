// SPDX-License-Identifier: Apache-2.0
import test from 'ava'
import { readConfig } from '../../../src/config/index.js'

const OPTIONS = {
  tag: { type: 'option' },
  ready: { type: 'option', multiple: true },
  validate: { type: 'option', options: ['stat', 'hash', 'none'] },
  'check-repro': { type: 'boolean' },
} as const
const read = (text: string) => readConfig('p.yaml', text, OPTIONS)

test('images have options of their own, which replace those for all', (t) => {
  const entries = read(`version: 1
defaults:
  ready: [health, 'quiet:2s']
  validate: hash
images:
  - image: web:1.10
    tag: web:fast
    ready: port:8000
    command: [python, -m, app]
  - image: jobs
    name: nightly
    check-repro: true
    validate: none
`)
  t.deepEqual(entries, [
    {
      name: 'web:1.10',
      image: 'web:1.10',
      words: ['--ready=port:8000', '--validate=hash', '--tag=web:fast'],
      command: ['python', '-m', 'app'],
    },
    {
      name: 'nightly',
      image: 'jobs',
      words: ['--ready=health', '--ready=quiet:2s', '--validate=none', '--check-repro'],
    },
  ])
})

test('a number stays as it is written, and a value that starts with a dash is one', (t) => {
  const [entry] = read('version: 1\nimages: [{image: a, tag: 1.10, ready: "-x"}]')
  t.deepEqual(entry?.words, ['--tag=1.10', '--ready=-x'])
})

const refuses = test.macro((t, text: string, message: RegExp) => {
  const error = t.throws(() => read(text))
  t.is((error as unknown as { code: string }).code, 'USAGE')
  t.regex(error?.message ?? '', message)
})
test('no YAML', refuses, 'version: 1\nimages: [\n', /^p\.yaml:\d+:\d+: /)
test('a file without a version', refuses, 'images: [{image: a}]', /version: 1 is missing/)
test('another version', refuses, 'version: 2\nimages: []', /^p\.yaml:1:10: version: 2 is not known/)
test('no images', refuses, 'version: 1\nimages: {}', /^p\.yaml:2:1: images/)
test(
  'an unknown key',
  refuses,
  'version: 1\nimage: a',
  /^p\.yaml:2:1: image: not known .*did you mean images\?/,
)
test(
  'an unknown option',
  refuses,
  'version: 1\nimages:\n  - image: a\n    redy: exit',
  /^p\.yaml:4:5: redy: .*ready\?/,
)
test('an image without its name', refuses, 'version: 1\nimages:\n  - tag: a', /^p\.yaml:3:5: image: /)
test(
  'a choice that is none',
  refuses,
  'version: 1\nimages: [{image: a, validate: hsah}]',
  /validate: hsah: did you mean hash/,
)
test(
  'a switch that is none',
  refuses,
  'version: 1\nimages: [{image: a, check-repro: maybe}]',
  /not true or false/,
)
test(
  'a mapping where a text belongs',
  refuses,
  'version: 1\nimages: [{image: a, tag: {b: c}}]',
  /tag: not a text/,
)
test('nothing where a text belongs', refuses, 'version: 1\nimages: [{image: a, tag: }]', /tag: not a text/)
test('an alias', refuses, 'version: 1\nimages: [{image: &a a, tag: *a}]', /not an alias/)
test('a key twice', refuses, 'version: 1\nversion: 1\nimages: []', /^p\.yaml:2/)
test('an image twice', refuses, 'version: 1\nimages: [{image: a}, {image: a}]', /a: there twice/)
test('nothing', refuses, '', /the file is empty/)
test('a list alone', refuses, '- a', /the file: not a mapping/)
test(
  'an image by its name alone',
  refuses,
  'version: 1\nimages:\n  - a:1',
  /^p\.yaml:3:5: a:1: an image is written as image: a:1/,
)
