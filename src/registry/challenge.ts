// SPDX-License-Identifier: Apache-2.0
// WWW-Authenticate, as far as registries use it.

/** What a registry asks for. */
export type Challenge =
  | { readonly scheme: 'basic' }
  | { readonly scheme: 'bearer'; readonly realm: string; readonly service: string | undefined }

const PART = /\s*,?\s*([A-Za-z][\w-]*)(?:\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s,]+)))?/y

/** Reads the header; of several challenges the first that can be answered counts, Bearer before Basic. */
export function parseChallenge(header: string | readonly string[] | undefined): Challenge | undefined {
  const texts = header === undefined ? [] : typeof header === 'string' ? [header] : header
  const found = texts.flatMap(challengesIn)
  return found.find(({ scheme }) => scheme === 'bearer') ?? found[0]
}

function isWeb(address: string): boolean {
  return URL.canParse(address) && /^https?:$/.test(new URL(address).protocol)
}

function challengesIn(text: string): Challenge[] {
  const schemes: { name: string; values: Map<string, string> }[] = []
  const part = new RegExp(PART)
  for (let match = part.exec(text); match !== null; match = part.exec(text)) {
    const [, name = '', quoted, plain] = match
    const value = quoted?.replace(/\\(.)/g, '$1') ?? plain
    if (value === undefined) schemes.push({ name: name.toLowerCase(), values: new Map() })
    else schemes.at(-1)?.values.set(name.toLowerCase(), value)
  }
  return schemes.flatMap(({ name, values }): Challenge[] => {
    if (name === 'basic') return [{ scheme: 'basic' }]
    const realm = values.get('realm')
    if (name !== 'bearer' || realm === undefined || !isWeb(realm)) return []
    return [{ scheme: 'bearer', realm, service: values.get('service') }]
  })
}
