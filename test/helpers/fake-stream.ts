// SPDX-License-Identifier: Apache-2.0

/** A stream that remembers what was written, and shows it as a terminal would. */
export interface FakeStream extends NodeJS.WriteStream {
  /** Everything written, control sequences included. */
  text(): string
  /** What a person sees: the lines left after erasing and moving up, without colours. */
  screen(): string[]
}

/** Makes a fake stream; `columns` is only meaningful with `isTTY`. */
export function fakeStream(o: { isTTY?: boolean; columns?: number } = {}): FakeStream {
  let written = ''
  const stream = {
    isTTY: o.isTTY ?? false,
    columns: o.columns ?? 80,
    write(text: string) {
      written += text
      return true
    },
    text: () => written,
    screen: () => toScreen(written),
  }
  // Only the fields above are used by what is tested.
  return stream as unknown as FakeStream
}

/** Understands what our renderers may use: line feed, carriage return, erase line, cursor up, colours. */
function toScreen(text: string): string[] {
  const lines = ['']
  let row = 0
  let column = 0
  // biome-ignore lint/suspicious/noControlCharactersInRegex: a terminal reads control characters
  for (const [token] of text.matchAll(/\u001B\[[\d;]*[A-Za-z]|[\s\S]/g)) {
    if (token === '\n') {
      row += 1
      column = 0
      lines[row] ??= ''
    } else if (token === '\r') column = 0
    else if (token === '\u001B[2K') lines[row] = ''
    else if (token === '\u001B[1A') row -= 1
    else if (token.startsWith('\u001B[') && token.endsWith('m')) continue
    else if (token.startsWith('\u001B'))
      throw new Error(`unexpected control sequence ${JSON.stringify(token)}`)
    else {
      lines[row] = `${(lines[row] ?? '').padEnd(column).slice(0, column)}${token}`
      column += 1
    }
  }
  while (lines.at(-1) === '') lines.pop()
  return lines
}
