// SPDX-License-Identifier: Apache-2.0
// Records as bytes, and back. What they are is said in native/trace/records.def.
import { PycdsError } from '../../errors/index.js'
import { decodeText, encodeText } from '../../util/surrogates.js'
import { RECORDS_VERSION } from './records.js'

interface Values {
  text: string
  number: number
  flag: boolean
  bytes: Buffer
  list: string[]
}

type Type = keyof Values
type Table = Readonly<Record<string, Readonly<Record<string, Type>>>>

/** The fields of one kind of record. */
export type FieldsOf<R> = { -readonly [F in keyof R]: R[F] extends Type ? Values[R[F]] : never }

/** Any record of a file. */
export type RecordOf<T> = { [K in keyof T]: { kind: K; fields: FieldsOf<T[K]> } }[keyof T]

/** Of a number, without its sign. */
const MAX_DIGITS = 18
const NUMBER = /^-?\d{1,18}$/

interface Frame {
  kind: string
  fields: Buffer[]
}

/** What every file begins with. */
export function encodeVersion(): Buffer {
  return encodeFrame('version', [Buffer.from(String(RECORDS_VERSION))])
}

/** One record of a file. */
export function encodeRecord<T extends Table, K extends keyof T & string>(
  table: T,
  kind: K,
  fields: FieldsOf<T[K]>,
): Buffer {
  const values: Readonly<Record<string, Values[Type]>> = fields
  const names = Object.keys(table[kind] ?? {})
  return encodeFrame(
    kind,
    names.map((name) => encodeValue(values[name] ?? '')),
  )
}

/**
 * The records of a file, up to the first that is not whole: a process killed while it wrote leaves such a last one. What
 * the table does not know ends them, too; native/learn/compose.c does the same.
 * @param name of the file, for errors
 * @throws TRAINING_FAILED when the file is of another version.
 */
export function* decodeRecords<T extends Table>(
  table: T,
  name: string,
  bytes: Buffer,
): Generator<RecordOf<T>> {
  let isFirst = true
  for (const frame of decodeFrames(bytes)) {
    if (isFirst) assertVersion(name, frame)
    else {
      const types = Object.hasOwn(table, frame.kind) ? table[frame.kind] : undefined
      const fields = types && decodeFields(types, frame.fields)
      if (!fields) return
      // The table is what the type is made of.
      yield { kind: frame.kind, fields } as unknown as RecordOf<T>
    }
    isFirst = false
  }
}

function assertVersion(name: string, { kind, fields }: Frame): void {
  const version = kind === 'version' && fields.length === 1 ? fields[0]?.toString('latin1', 0, 20) : undefined
  if (version === String(RECORDS_VERSION)) return
  const found = version === undefined ? 'names no version' : `is of version ${JSON.stringify(version)}`
  throw new PycdsError('TRAINING_FAILED', {
    message: `run log ${name}: it ${found}, and this program reads version ${RECORDS_VERSION}`,
    hint: 'The tracer is not of the same build: reinstall pycds-image; in a checkout run `npm run build`.',
  })
}

function encodeFrame(kind: string, fields: readonly Buffer[]): Buffer {
  return Buffer.concat([
    Buffer.from(`${[kind, ...fields.map(({ length }) => length)].join(' ')}\n`),
    ...fields,
  ])
}

function encodeValue(value: Values[Type]): Buffer {
  if (Buffer.isBuffer(value)) return value
  if (typeof value === 'boolean') return Buffer.from(value ? '1' : '0')
  return encodeText(Array.isArray(value) ? value.join('\0') : String(value))
}

function* decodeFrames(bytes: Buffer): Generator<Frame> {
  let at = 0
  while (at < bytes.length) {
    const end = bytes.indexOf(0x0a, at)
    if (end < 0) return
    const [kind = '', ...lengths] = bytes.toString('latin1', at, end).split(' ')
    const fields: Buffer[] = []
    at = end + 1
    for (const text of lengths) {
      const length = decodeNumber(text)
      if (length === undefined || length < 0 || at + length > bytes.length) return
      fields.push(bytes.subarray(at, at + length))
      at += length
    }
    yield { kind, fields }
  }
}

function decodeFields(
  types: Readonly<Record<string, Type>>,
  fields: readonly Buffer[],
): Record<string, Values[Type]> | undefined {
  const entries = Object.entries(types)
  if (entries.length !== fields.length) return undefined
  const decoded: Record<string, Values[Type]> = {}
  for (const [index, [name, type]] of entries.entries()) {
    const value = decodeValue(type, fields[index] ?? Buffer.alloc(0))
    if (value === undefined) return undefined
    decoded[name] = value
  }
  return decoded
}

function decodeValue(type: Type, field: Buffer): Values[Type] | undefined {
  switch (type) {
    case 'bytes':
      return field
    case 'text':
      return decodeText(field)
    case 'list':
      return field.length > 0 ? decodeText(field).split('\0') : []
    case 'flag':
      return field.length === 1 && (field[0] === 0x30 || field[0] === 0x31) ? field[0] === 0x31 : undefined
    case 'number':
      return decodeNumber(field.toString('latin1', 0, MAX_DIGITS + 2))
  }
}

function decodeNumber(text: string): number | undefined {
  const value = NUMBER.test(text) ? Number(text) : Number.NaN
  return Number.isSafeInteger(value) ? value : undefined
}
