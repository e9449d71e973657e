// SPDX-License-Identifier: Apache-2.0
import test from 'ava'
import { listForm, readFrom, readInstructions } from '../../../src/dockerfile/index.js'

/** Reads lines and expects instructions, as `KEYWORD text`. */
const reads = test.macro((t, lines: readonly string[], expected: readonly string[]) => {
  const found = readInstructions(lines.join('\n'))
  t.deepEqual(
    found.map(({ keyword, text }) => `${keyword} ${text}`),
    expected,
  )
})

test('a keyword may be in small letters and indented', reads, ['  from a', '\tCmd b'], ['FROM a', 'CMD b'])
test(
  'blank lines and comments are no instructions',
  reads,
  ['# a', '', ' # b', 'FROM a', '#CMD b'],
  ['FROM a'],
)
test(
  'a line goes on in the next one, whose blanks stay',
  reads,
  ['FROM a', 'CMD b \\', '  c\\', 'd \\  ', 'e'],
  ['FROM a', 'CMD b   cd e'],
)
test(
  'comments and blank lines within an instruction are skipped, also those that end in a backslash',
  reads,
  ['FROM a', 'CMD b \\', '# c \\', '', '  # d', ' e', 'USER f'],
  ['FROM a', 'CMD b  e', 'USER f'],
)
test('two backslashes do not go on', reads, ['RUN a \\\\', 'USER b'], ['RUN a \\\\', 'USER b'])
test('a backslash that is alone goes on', reads, ['\\', 'USER a \\', '\\', 'b'], ['USER a b'])
test('a comment does not go on', reads, ['# a \\', 'USER b'], ['USER b'])

test(
  'a directive chooses what goes on',
  reads,
  ['# escape=`', 'CMD a `', '  b \\', 'USER c'],
  ['CMD a   b \\', 'USER c'],
)
test(
  'beside other directives, in any spelling',
  reads,
  ['#syntax=x', '  #  ESCAPE = ` ', 'CMD a`', 'b'],
  ['CMD ab'],
)
for (const [what, before] of [
  ['an instruction', ['ARG x']],
  ['a comment', ['# nothing']],
  ['an unknown directive', ['# other=1']],
  ['an empty line', ['']],
] as const) {
  test(`no directive stands behind ${what}`, (t) => {
    const found = readInstructions([...before, '# escape=`', 'CMD a `', 'USER b'].join('\n'))
    t.deepEqual(found.at(-1)?.keyword, 'USER')
  })
}

const windows = ['# escape=`', 'FROM a', 'RUN <<EOF', 'USER no', 'EOF', 'CMD b `', 'c', ''].join('\r\n')
test(
  'lines may end as Windows has it, after a byte order mark',
  reads,
  [`\uFEFF${windows}`],
  [...['FROM a', 'RUN <<EOF', 'CMD b c']],
)

/** Between its own line and USER stands what an instruction holds, or does not. */
const holds = test.macro((t, first: string, ...body: string[]) => {
  const keywords = readInstructions([first, ...body, 'USER app'].join('\n')).map(({ keyword }) => keyword)
  t.deepEqual(keywords, [first.split(' ')[0]?.toUpperCase() ?? '', 'USER'])
})
for (const mark of [
  '<<EOF',
  '<<"EOF"',
  "<<'EOF'",
  '3<<EOF',
  '<<E"O"F',
  '<< EOF',
  'cat <<EOF >x',
  "<<EOF sh -c 'a b'",
]) {
  test(`RUN ${mark} has a body up to its end`, holds, `RUN ${mark}`, 'CMD no', ' EOF', 'EOF ', '\tEOF', 'EOF')
}
test('with a dash, tabs before the end do not count', holds, 'RUN <<-EOF', 'CMD no', ' EOF', '\t\tEOF')
test('a quoted end may hold blanks and quotes', holds, `RUN <<'a b'\\'c`, 'CMD no', "a b'c")
test('a file name may be the end', holds, 'copy <<app.py /srv/', 'CMD no', 'app.py')
test('several bodies follow one another', holds, 'COPY <<A <<-B /x/', 'B', 'CMD no', 'A', 'CMD no', '\tB')
test('a variable is no part of a name, but its text', holds, 'ADD <<$X /x', 'CMD no', '$X')
test('an option may stand before it', holds, 'RUN --mount=type=cache,target=/a <<EOF', 'CMD no', 'EOF')
test('ONBUILD has a body as what it holds', holds, 'ONBUILD RUN <<EOF', 'CMD no', 'EOF')
test('a body is not continued, and has no comments', holds, 'RUN <<EOF', 'a \\', '# b', 'EOF')

/** What looks like a heredoc and is none: the next instruction is read. */
const isNone = test.macro((t, instruction: string) => {
  const found = readInstructions(
    [instruction, 'CMD a', 'EOF', 'hello', '"hello"', 'n))', 'USER app'].join('\n'),
  )
  t.deepEqual(found[1], { keyword: 'CMD', text: 'a', lastLine: 1, isOpen: false })
  t.is(found.at(-1)?.text, 'app')
})
for (const line of [
  'RUN read a <<<EOF',
  'RUN read a <<< "hello"',
  `RUN bash -c 'read a <<<"hello"'`,
  'RUN echo $((1<<n))',
  "RUN sh -c 'cat <<EOF'",
  'RUN echo "<<EOF"',
  'RUN echo \\<<EOF',
  "RUN echo it's <<EOF",
  'RUN ["cat", "<<EOF"]',
  'RUN cat <<',
  'ENV a=<<EOF',
  'USER <<EOF',
]) {
  test(`${line} is one line`, isNone, line)
}

test(
  'a mark whose end never comes is none, so that nothing behind it is lost',
  reads,
  ['FROM a', 'RUN echo $((1 <<n))', 'RUN cat <<EOF', 'USER app', 'CMD b', ' EOF'],
  ['FROM a', 'RUN echo $((1 <<n))', 'RUN cat <<EOF', 'USER app', 'CMD b', 'EOF '],
)
test(
  'what is no Dockerfile is read all the same',
  reads,
  ['\u0000\u0001', '{"a": 1}', ''],
  [...['\u0000\u0001 ', '{"A": 1}']],
)

test('an instruction knows where it ends, and whether the file ended before it', (t) => {
  const text = ['FROM a \\', '# b', ' AS c', 'RUN <<EOF', 'x', 'EOF', 'CMD d \\', '# e', ''].join('\n')
  t.deepEqual(
    readInstructions(text).map(({ lastLine, isOpen }) => [lastLine, isOpen]),
    [
      [2, false],
      [3, false],
      [6, true],
    ],
  )
})

test('a FROM has a base and may have a name', (t) => {
  t.deepEqual(readFrom('--platform=linux/amd64 a:1 AS Web'), { base: 'a:1', name: 'Web' })
  t.deepEqual(readFrom('a'), { base: 'a', name: undefined })
})

test('a list form is JSON, of texts and nothing else', (t) => {
  t.deepEqual(listForm('["a", "b c"]'), ['a', 'b c'])
  for (const text of ['a b', "['a']", '[1]', '["a"', '{"a": "b"}', 'null', ''])
    t.is(listForm(text), undefined, text)
})
