#!/usr/bin/env node
// SPDX-License-Identifier: Apache-2.0
// Fills in the tables of docs/archive-format.md from the headers that are the specification of the archive. A table
// stands between `<!-- struct NAME -->` (or enum) and `<!-- /struct NAME -->`; what is between them is written here.
//
//   node scripts/gen-format.mjs            writes the page
//   node scripts/gen-format.mjs --check    writes nothing; ends with 1 when it is outdated
import { dirname, join } from 'node:path'
import { fill, find, read, table, update } from './generated.mjs'

const PAGE = 'docs/archive-format.md'
const HEADERS = ['format.h', 'stream.h', 'cache.h']
const BYTES = { uint8_t: 1, uint16_t: 2, int16_t: 2, uint32_t: 4, uint64_t: 8, int64_t: 8 }

const folder = dirname(find('native/format', HEADERS[0]))
const text = HEADERS.map((name) => read(join(folder, name))).join('\n')

/** Numbers that have a name. */
const constants = Object.fromEntries(
  [...text.matchAll(/^#define (PYCDS_\w+) (0x[0-9a-f]+|\d+)u?\b/gm)].map(([, name, value]) => [name, value]),
)

/** A comment without its delimiters, on one line. */
function plain(comment) {
  return comment
    .replace(/^\/\*|\*\/$/g, '')
    .replace(/\s*\n\s*\*?\s*/g, ' ')
    .trim()
}

/** The declarations of a body with the comments that belong to them: on the line before, or behind. */
function declarations(body, end) {
  const found = []
  let before
  const parts = new RegExp(
    `(\\n[ \\t]*)?(?:(/\\*[\\s\\S]*?\\*/)|([^${end}/]*[^${end}/\\s])[ \\t]*${end})`,
    'g',
  )
  for (const [, newLine, comment, code] of body.matchAll(parts)) {
    const last = found.at(-1)
    if (code !== undefined) {
      found.push({ code: code.trim(), meaning: before })
      before = undefined
    } else if (newLine !== undefined || last === undefined)
      before = comment.includes('---') ? before : plain(comment)
    else last.meaning = plain(comment)
  }
  return found
}

function bodyOf(kind, name) {
  const [, body] = new RegExp(`^${kind} ${name} \\{([\\s\\S]*?)\\};`, 'm').exec(text) ?? []
  if (body === undefined) throw new Error(`${PAGE}: there is no ${kind} ${name}`)
  return body
}

/** Name, value and meaning of each constant. */
function enumerators(name) {
  const body = bodyOf('enum', name)
  const list = declarations(
    body.trimEnd().endsWith(',') ? body : `${body.replace(/\s*(\/\*|$)/, ', $1')}`,
    ',',
  )
  const valued = list.flatMap(({ code, meaning = '' }) => {
    const [, id, value] = /^(\w+) = (\d+)$/.exec(code) ?? []
    return value === undefined ? [] : [{ id, value, meaning }]
  })
  const prefix = commonPrefix(valued.map(({ id }) => id))
  return valued.map(({ id, ...rest }) => ({ ...rest, id: id.slice(prefix.length) }))
}

/** Up to the last underscore that all share. */
function commonPrefix([first, ...others]) {
  for (let end = first.lastIndexOf('_'); end > 0; end = first.lastIndexOf('_', end - 1)) {
    const prefix = first.slice(0, end + 1)
    const distinct = others.length > 0 || /^PYCDS_\w+_$/.test(prefix)
    if (distinct && others.every((id) => id.startsWith(prefix))) return prefix
  }
  return ''
}

/** With numbers in place of the names of constants, and in place of an enum its values or where they are. */
function explained(meaning = '') {
  return meaning
    .replace(/\benum (pycds_\w+)/g, (_, name) => (isMarked(name) ? 'see below' : listed(name)))
    .replace(/\bPYCDS_\w+\b/g, (name) => (name === 'PYCDS_FORMAT' ? name : (constants[name] ?? name)))
    .replace(/\bPYCDS_\w+\*?|\b(?:struct )?pycds_\w+(\[\w+\])?/g, '`$&`')
}

function listed(name) {
  const values = enumerators(name)
  return values.map(({ value, id, meaning }) => `${value} ${id}${meaning ? ` (${meaning})` : ''}`).join(', ')
}

/** Fields with their offsets, as a compiler for 64-bit machines places them. */
function structTable(name) {
  let offset = 0
  const rows = declarations(bodyOf('struct', name), ';').map(({ code, meaning }) => {
    const [, type, list] = /^(\w+) (.+)$/s.exec(code) ?? []
    const size = BYTES[type]
    if (size === undefined) throw new Error(`struct ${name}: ${code}: a type without a size`)
    const fields = list.split(/,\s*/).map((field) => {
      const [, id, count = '1'] = /^(\w+)(?:\[(\w+)\])?$/.exec(field) ?? []
      return { id, items: Number(constants[count] ?? count) }
    })
    offset = Math.ceil(offset / size) * size
    const at = offset
    offset += fields.reduce((sum, { items }) => sum + items * size, 0)
    const [{ items }] = fields
    const sizes = items > 1 && size > 1 ? `${items} x ${size}` : String(items * size)
    return [
      at,
      `${sizes}${fields.length > 1 ? ' each' : ''}`,
      fields.map(({ id }) => `\`${id}\``).join(', '),
      explained(meaning),
    ]
  })
  const [, told] = new RegExp(`sizeof\\(struct ${name}\\) == (\\d+)`).exec(text) ?? []
  if (Number(told) !== offset) throw new Error(`struct ${name}: ${offset} bytes here, ${told} in the header`)
  return table(['offset', 'bytes', 'field', 'meaning'], rows)
}

function enumTable(name) {
  return table(
    ['value', 'name', 'meaning'],
    enumerators(name).map(({ value, id, meaning }) => [value, id, explained(meaning)]),
  )
}

let page = read(PAGE)
const marks = [...page.matchAll(/^<!-- (struct|enum) (\w+) -->$/gm)]

/** Whether the page has a table of it. */
function isMarked(name) {
  return marks.some(([, , marked]) => marked === name)
}

// What has a size of its own in the file is told, all of it.
for (const [, name] of text.matchAll(/^_Static_assert\(sizeof\(struct (\w+)\)/gm)) {
  if (!isMarked(name)) throw new Error(`${PAGE}: lacks struct ${name}`)
}
for (const [, kind, name] of marks) {
  page = fill(page, `${kind} ${name}`, kind === 'struct' ? structTable(name) : enumTable(name))
}
page = fill(page, 'version', `This page is about version ${constants.PYCDS_FORMAT}.`)
update({ [PAGE]: page }, 'node scripts/gen-format.mjs')
