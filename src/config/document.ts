// SPDX-License-Identifier: Apache-2.0
// pycds-image.yaml as a tree of nodes with their places. Values are taken as they are written, and what is not known is
// refused with its line and column, whoever reads the file and whichever part of it.
import { isAlias, isMap, isScalar, isSeq, LineCounter, type Node, type Pair, parseDocument } from 'yaml'
import { PycdsError } from '../errors/index.js'
import { nearest } from '../util/nearest.js'

/** The entries of a mapping, by their keys. */
export type Fields = ReadonlyMap<string, { readonly key: Node; readonly value: Node | null }>

const VERSION = 1
/** `defaults` and `images` are for `bake --config`, `frontend` is for builds; each reads its own part. */
const ROOT_KEYS = ['version', 'defaults', 'images', 'frontend']
/** A longer file was not written by people for people. */
const MAX_CHARACTERS = 1024 * 1024

/** A parsed file of a version that is known, with known parts. */
export class ConfigDocument {
  readonly #path: string
  readonly #lines = new LineCounter()
  /** The parts of the file. */
  readonly root: Fields

  /**
   * Parses a file.
   * @param path for messages only.
   * @throws USAGE with line and column of the first thing that is wrong.
   */
  constructor(path: string, text: string) {
    this.#path = path
    if (text.length > MAX_CHARACTERS) throw this.wrong(null, 'the file is too large')
    const document = parseDocument(text, {
      lineCounter: this.#lines,
      prettyErrors: false,
      uniqueKeys: true,
    })
    const [error] = document.errors
    if (error) throw this.#wrongAt(error.pos[0], error.message)
    if (document.contents === null) throw this.wrong(null, 'the file is empty')
    this.root = this.fields(document.contents, 'the file', ROOT_KEYS)
    const version = this.root.get('version')
    // A file for builds alone may leave it out: such files were read before versions counted for them.
    const isOptional = !this.root.has('images') && this.root.has('frontend')
    const given = version && this.scalar(version.value, 'version')
    if (given === undefined && !isOptional) {
      throw this.wrong(null, `the line version: ${VERSION} is missing`)
    }
    if (given !== undefined && given !== String(VERSION)) {
      throw this.wrong(version?.value, `version: ${given} is not known here; ${VERSION} is`)
    }
  }

  /** The entries of a mapping that has only keys that are known. `what` names it in messages. */
  fields(node: unknown, what: string, known: readonly string[]): Fields {
    if (!isMap(node)) throw this.wrong(node, `${what}: not a mapping`)
    const fields = new Map<string, { key: Node; value: Node | null }>()
    for (const { key, value } of node.items as Pair<Node, Node | null>[]) {
      const name = isScalar(key) ? String(key.value) : ''
      if (!known.includes(name)) {
        const meant = nearest(name, known)
        const hint = meant === undefined ? '' : `; did you mean ${meant}?`
        throw this.wrong(key, `${name}: not known in ${what}${hint}`)
      }
      fields.set(name, { key, value })
    }
    return fields
  }

  /** The texts of a list; a text alone is a list of one. */
  list(node: Node | null, what: string): string[] {
    return isSeq(node) ? node.items.map((item) => this.scalar(item, what)) : [this.scalar(node, what)]
  }

  /** A text as it is written: `1.10` stays `1.10`. */
  scalar(node: unknown, what: string): string {
    if (isAlias(node)) throw this.wrong(node, `${what}: write the value itself, not an alias`)
    const ok = isScalar(node) && node.value !== null && typeof node.value !== 'object'
    if (!ok) throw this.wrong(node, `${what}: not a text`)
    return typeof node.value === 'string' ? node.value : (node.source ?? String(node.value))
  }

  /** True or false. */
  boolean(node: unknown, what: string): boolean {
    const text = this.scalar(node, what)
    if (text !== 'true' && text !== 'false') throw this.wrong(node, `${what}: not true or false`)
    return text === 'true'
  }

  /** What is wrong at a node, or at the beginning of the file. */
  wrong(node: unknown, reason: string): PycdsError {
    return this.#wrongAt((node as Node | null | undefined)?.range?.[0] ?? 0, reason)
  }

  #wrongAt(offset: number, reason: string): PycdsError {
    const { line, col } = this.#lines.linePos(Math.max(0, offset))
    const where = line > 0 ? `:${line}:${col}` : ''
    return new PycdsError('USAGE', {
      message: `${this.#path}${where}: ${reason}`,
      hint: 'docs/configuration.md describes the file; docs/schemas/config.json is its schema for editors.',
    })
  }
}
