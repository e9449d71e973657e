// SPDX-License-Identifier: Apache-2.0
import test from 'ava'
import { renderBake } from '../../../../src/commands/render/bake.js'
import { renderBakePlatforms } from '../../../../src/commands/render/bake-platforms.js'
import { createStyle } from '../../../../src/log/index.js'
import { RESULT, timing } from '../../../helpers/results.js'

const PLAIN = createStyle({}, {})
test('the block tells before, after, what is in it, its size and how to run it', (t) => {
  t.is(
    renderBake(RESULT, PLAIN),
    [
      'Baked app:1: starts 2.45x as fast',
      '',
      '  before    412 ms  (median of 5 runs, until the imports are done)',
      '  after     168 ms',
      '  speed-up  2.45x  (within 4 %)',
      '  modules   512 archived, 1 left out (pycds-image inspect app:1-cds tells why)',
      '  compiled  120 regular expressions, 34 source strings',
      '  layer     3.1 MB (1.2 MB compressed)',
      '  python    3.11.2  /usr/bin/python3.11',
      '  image     app:1-cds  bbbbbbbbbbbb',
      '',
      '  docker run --rm app:1-cds',
    ].join('\n'),
  )
})

test('a service is run with the ports that it exposes', (t) => {
  const last = (reference: string, ...exposedPorts: string[]) => {
    const output = RESULT.output && { ...RESULT.output, reference }
    const text = renderBake({ ...RESULT, output, source: { ...RESULT.source, exposedPorts } }, PLAIN)
    return text.split('\n').at(-1)
  }
  t.is(last('app:1-cds', '5000/tcp'), '  docker run --rm -p 5000:5000 app:1-cds')
  t.is(
    last('registry:r.example/app:1-cds', '53/udp', '80'),
    '  docker run --rm -p 53:53/udp -p 80:80 r.example/app:1-cds',
  )
  t.is(last('oci:d:1-cds', '5000/tcp'), '  pycds-image verify oci:d:1-cds')
})

test('what is verified next is the command that was trained with', (t) => {
  const last = (reference: string, command?: string[]) => {
    const output = RESULT.output && { ...RESULT.output, reference }
    return renderBake({ ...RESULT, output }, PLAIN, command)
      .split('\n')
      .at(-1)
  }
  t.is(last('oci:d:1-cds'), '  pycds-image verify oci:d:1-cds')
  t.is(last('oci:d:1-cds', ['tool', 'a b']), "  pycds-image verify oci:d:1-cds -- tool 'a b'")
  t.is(last('app:1-cds', ['tool']), '  docker run --rm app:1-cds')
})

test('bytecode is mentioned where some was added', (t) => {
  const bytecode = { mode: 'auto' as const, files: 120, packages: 4, failed: 1, bytes: 1_500_000 }
  t.regex(renderBake({ ...RESULT, bytecode }, PLAIN), /bytecode {2}120 files of 4 packages added, 1\.5 MB/)
})

test('a shared libpython is named, since the archive belongs to it', (t) => {
  const python = { ...RESULT.python, library: '/usr/lib/libpython3.11.so.1.0' }
  t.regex(
    renderBake({ ...RESULT, python }, PLAIN),
    /python {4}3\.11\.2 {2}\/usr\/lib\/libpython3\.11\.so\.1\.0/,
  )
})

test('without a measurement nothing is claimed', (t) => {
  const text = renderBake({ ...RESULT, start: null }, PLAIN)
  t.regex(text, /^Baked app:1\n/)
  t.regex(text, /start {5}not measured/)
  t.notRegex(text, /\d x|fast/)
})

test('a start that is not faster is no headline, but is told', (t) => {
  const start = {
    metric: 'exit',
    before: timing(100),
    after: timing(110),
    speedup: 100 / 110,
    relativeError: null,
    noisy: false,
    runs: 1,
  } as const
  const text = renderBake({ ...RESULT, start }, PLAIN)
  t.regex(text, /^Baked app:1\n/)
  t.regex(text, /speed-up {2}0\.90x/)
  t.regex(text, /median of 1 run, of the whole run/)
})

test('a spread wider than the difference is called noisy, and no factor is given', (t) => {
  const { start } = RESULT
  if (start === null) return t.fail()
  const text = renderBake({ ...RESULT, start: { ...start, noisy: true } }, PLAIN)
  t.regex(text, /^Baked app:1\n/)
  t.regex(text, /speed-up {2}noisy/)
  t.notRegex(text, /\dx/)
})

test('a dry run tells what would be written, with the training command ready for a shell', (t) => {
  const text = renderBake({ ...RESULT, output: null, start: null }, PLAIN)
  t.regex(text, /^Dry run of app:1: it was trained, nothing was written\n/)
  t.true(text.includes(`python3 -c 'print('\\''hi'\\'')'`), text)
  t.notRegex(text, /docker run/)
})

test('several platforms are a table with a row for each', (t) => {
  const text = renderBakePlatforms(
    {
      schema: 'io.pycds.bake-platforms/1',
      key: `sha256:${'e'.repeat(64)}`,
      source: { reference: 'oci:app:1' },
      output: { reference: 'oci:app:1-cds', digest: 'sha256:cafe' },
      platforms: [
        { platform: 'linux/amd64', trainedOn: 'linux/amd64', result: RESULT },
        { platform: 'linux/arm64', trainedOn: 'linux/amd64', result: { ...RESULT, start: null } },
      ],
    },
    PLAIN,
  )
  const [heading, , ...table] = text.split('\n')
  t.is(heading, 'Baked oci:app:1 for 2 platforms')
  t.regex(
    table[0] ?? '',
    /^ {2}platform +trained on +python +modules +layer +before +after +speed-up +image$/,
  )
  t.regex(table[1] ?? '', /^ {2}linux\/amd64 +linux\/amd64 +3\.11\.2 +512 .*412 ms +168 ms .* b{12}$/)
  t.regex(table[2] ?? '', /^ {2}linux\/arm64 +linux\/amd64 +3\.11\.2 +512 .* - +- +- +b{12}$/)
  t.is(table.at(-1), '  image  oci:app:1-cds  sha256:cafe')
})
