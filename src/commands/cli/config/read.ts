// SPDX-License-Identifier: Apache-2.0
// Reads pycds-image.yaml: the options of a bake by their names on the command line, for each of
// several images. What it says is turned into words of a command line, so that both mean the same.
import { isAlias, isMap, isScalar, isSeq, LineCounter, type Node, type Pair, parseDocument } from 'yaml'
import { PycdsError } from '../../../errors/index.js'
import { nearest } from '../../../util/nearest.js'

/** What is known of an option; oclif's flags fit. */
export interface ConfigOption {
  type: 'option' | 'boolean'
  multiple?: boolean | undefined
  options?: readonly string[] | undefined
}

/** One image of a file. */
export interface ConfigEntry {
  /** For --only: `name`, or else the image. */
  name: string
  image: string
  /** Options as words of a command line. */
  words: string[]
  command?: string[]
}

const VERSION = 1
/** What stands under `frontend` is for builds, which read it themselves. */
const ROOT_KEYS = ['version', 'defaults', 'images', 'frontend']
const ENTRY_KEYS = ['image', 'name', 'command']
/** A longer file was not written by people for people. */
const MAX_CHARACTERS = 1024 * 1024

/**
 * Reads a configuration file.
 * @param options that may be given, by name without dashes.
 * @throws USAGE with line and column of the first thing that is wrong.
 */
export function readConfig(
  path: string,
  text: string,
  options: Readonly<Record<string, ConfigOption>>,
): ConfigEntry[] {
  return new ConfigReader(path, text, options).read()
}

type Fields = Map<string, { key: Node; value: Node | null }>

class ConfigReader {
  readonly #path: string
  readonly #text: string
  readonly #options: Readonly<Record<string, ConfigOption>>
  readonly #lines = new LineCounter()

  constructor(path: string, text: string, options: Readonly<Record<string, ConfigOption>>) {
    this.#path = path
    this.#text = text
    this.#options = options
  }

  read(): ConfigEntry[] {
    if (this.#text.length > MAX_CHARACTERS) throw this.#wrong(0, 'the file is too large')
    const document = parseDocument(this.#text, {
      lineCounter: this.#lines,
      prettyErrors: false,
      uniqueKeys: true,
    })
    const [error] = document.errors
    if (error) throw this.#wrong(error.pos[0], error.message)
    const root = this.#fields(document.contents, 'the file', ROOT_KEYS)
    const version = root.get('version')
    if (!version || this.#scalar(version.value, 'version') !== String(VERSION)) {
      throw this.#wrong(version?.key.range?.[0] ?? 0, `version: ${VERSION} is missing`)
    }
    const defaults = root.get('defaults')
    const shared = defaults ? this.#fields(defaults.value, 'defaults', Object.keys(this.#options)) : new Map()
    const images = root.get('images')
    if (!images || !isSeq(images.value) || images.value.items.length === 0) {
      throw this.#wrong(images?.key.range?.[0] ?? 0, 'images: a list of images is missing')
    }
    const entries = images.value.items.map((item) => this.#entry(item as Node, shared))
    const seen = new Map<string, Node>()
    entries.forEach(({ name }, index) => {
      const item = (images.value as unknown as { items: Node[] }).items[index] ?? null
      if (seen.has(name))
        throw this.#wrong(offsetOf(item), `${name}: there twice; give each a name of its own`)
      if (item) seen.set(name, item)
    })
    return entries
  }

  #entry(node: Node, shared: Fields): ConfigEntry {
    const fields = this.#fields(node, 'an image', [...ENTRY_KEYS, ...Object.keys(this.#options)])
    const image = fields.get('image')
    if (!image) throw this.#wrong(offsetOf(node), 'image: the image to bake is missing')
    const reference = this.#scalar(image.value, 'image')
    const name = fields.get('name')
    const command = fields.get('command')
    // What an image says replaces what is said for all, also a list.
    const words = [...new Map([...shared, ...fields])]
      .filter(([key]) => !ENTRY_KEYS.includes(key))
      .flatMap(([key, { value }]) => this.#words(key, value))
    return {
      name: name ? this.#scalar(name.value, 'name') : reference,
      image: reference,
      words,
      ...(command ? { command: this.#list(command.value, 'command') } : {}),
    }
  }

  #words(key: string, value: Node | null): string[] {
    const option = this.#options[key]
    if (option?.type === 'boolean') {
      const text = this.#scalar(value, key)
      if (text !== 'true' && text !== 'false') throw this.#wrong(offsetOf(value), `${key}: not true or false`)
      return text === 'true' ? [`--${key}`] : []
    }
    const values = option?.multiple ? this.#list(value, key) : [this.#scalar(value, key)]
    const { options } = option ?? {}
    const bad = options && values.find((text) => !options.includes(text))
    if (options && bad !== undefined) {
      const meant = nearest(bad, options)
      const hint = meant === undefined ? `one of ${options.join(', ')}` : `did you mean ${meant}?`
      throw this.#wrong(offsetOf(value), `${key}: ${bad}: ${hint}`)
    }
    return values.map((text) => `--${key}=${text}`)
  }

  #fields(node: unknown, what: string, known: readonly string[]): Fields {
    if (!isMap(node)) throw this.#wrong(offsetOf(node), `${what}: not a mapping`)
    const fields: Fields = new Map()
    for (const { key, value } of node.items as Pair<Node, Node | null>[]) {
      const name = isScalar(key) ? String(key.value) : ''
      if (!known.includes(name)) {
        const meant = nearest(name, known)
        const hint = meant === undefined ? '' : `; did you mean ${meant}?`
        throw this.#wrong(offsetOf(key), `${name}: not known in ${what}${hint}`)
      }
      fields.set(name, { key, value })
    }
    return fields
  }

  #list(node: Node | null, what: string): string[] {
    return isSeq(node)
      ? node.items.map((item) => this.#scalar(item as Node, what))
      : [this.#scalar(node, what)]
  }

  /** As it is written: `1.10` stays a text. */
  #scalar(node: Node | null, what: string): string {
    if (isAlias(node)) throw this.#wrong(offsetOf(node), `${what}: write the value itself, not an alias`)
    const ok = isScalar(node) && node.value !== null && typeof node.value !== 'object'
    if (!ok) throw this.#wrong(offsetOf(node), `${what}: not a text`)
    return typeof node.value === 'string' ? node.value : (node.source ?? String(node.value))
  }

  #wrong(offset: number, reason: string): PycdsError {
    const { line, col } = this.#lines.linePos(Math.max(0, offset))
    const where = line > 0 ? `:${line}:${col}` : ''
    return new PycdsError('USAGE', {
      message: `${this.#path}${where}: ${reason}`,
      hint: 'docs/configuration.md describes the file; docs/schemas/config.json is its schema for editors.',
    })
  }
}

function offsetOf(node: unknown): number {
  return (node as Node | null | undefined)?.range?.[0] ?? 0
}
