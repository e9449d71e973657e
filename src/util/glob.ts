// SPDX-License-Identifier: Apache-2.0
// Patterns for names with slashes: `*` stands for any signs but a slash, `**` for any, `?` for one that is no slash.

/** Whether a text is a pattern. */
export function isGlob(text: string): boolean {
  return /[*?]/.test(text)
}

/** What a pattern fits: the whole of a text. */
export function globPattern(glob: string): RegExp {
  const source = glob.replace(/\*\*|[*?]|[^\w*?]/g, (sign) => SIGNS[sign] ?? `\\${sign}`)
  return new RegExp(`^${source}$`, 's')
}

const SIGNS: Readonly<Record<string, string>> = { '**': '.*', '*': '[^/]*', '?': '[^/]' }
