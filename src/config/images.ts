// SPDX-License-Identifier: Apache-2.0
// The part of pycds-image.yaml that is for bakes: options by their names on the command line, for each of several
// images. What it says is turned into words of a command line, so that both mean the same.
import { isScalar, isSeq, type Node } from 'yaml'
import { nearest } from '../util/nearest.js'
import { ConfigDocument, type Fields } from './document.js'

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

const ENTRY_KEYS = ['image', 'name', 'command']

/**
 * Reads the images of a configuration file.
 * @param options that may be given, by name without dashes.
 * @throws USAGE with line and column of the first thing that is wrong.
 */
export function readConfig(
  path: string,
  text: string,
  options: Readonly<Record<string, ConfigOption>>,
): ConfigEntry[] {
  return new ImagesReader(new ConfigDocument(path, text), options).read()
}

class ImagesReader {
  readonly #document: ConfigDocument
  readonly #options: Readonly<Record<string, ConfigOption>>

  constructor(document: ConfigDocument, options: Readonly<Record<string, ConfigOption>>) {
    this.#document = document
    this.#options = options
  }

  read(): ConfigEntry[] {
    const { root } = this.#document
    const defaults = root.get('defaults')
    const known = Object.keys(this.#options)
    const shared: Fields = defaults ? this.#document.fields(defaults.value, 'defaults', known) : new Map()
    const images = root.get('images')
    if (!images || !isSeq(images.value) || images.value.items.length === 0) {
      throw this.#document.wrong(images?.key, 'images: a list of images is missing')
    }
    const names = new Set<string>()
    return images.value.items.map((item) => {
      const entry = this.#entry(item as Node, shared)
      if (names.has(entry.name)) {
        throw this.#document.wrong(item, `${entry.name}: there twice; give each a name of its own`)
      }
      names.add(entry.name)
      return entry
    })
  }

  #entry(node: Node, shared: Fields): ConfigEntry {
    const document = this.#document
    if (isScalar(node) && typeof node.value === 'string') {
      throw document.wrong(node, `${node.value}: an image is written as image: ${node.value}`)
    }
    const fields = document.fields(node, 'an image', [...ENTRY_KEYS, ...Object.keys(this.#options)])
    const image = fields.get('image')
    if (!image) throw document.wrong(node, 'image: the image to bake is missing')
    const reference = document.scalar(image.value, 'image')
    const name = fields.get('name')
    const command = fields.get('command')
    // What an image says replaces what is said for all, also a list.
    const words = [...new Map([...shared, ...fields])]
      .filter(([key]) => !ENTRY_KEYS.includes(key))
      .flatMap(([key, { value }]) => this.#words(key, value))
    return {
      name: name ? document.scalar(name.value, 'name') : reference,
      image: reference,
      words,
      ...(command ? { command: document.list(command.value, 'command') } : {}),
    }
  }

  #words(key: string, value: Node | null): string[] {
    const document = this.#document
    const option = this.#options[key]
    if (option?.type === 'boolean') return document.boolean(value, key) ? [`--${key}`] : []
    const values = option?.multiple ? document.list(value, key) : [document.scalar(value, key)]
    const { options } = option ?? {}
    const bad = options && values.find((text) => !options.includes(text))
    if (options && bad !== undefined) {
      const meant = nearest(bad, options)
      const hint = meant === undefined ? `one of ${options.join(', ')}` : `did you mean ${meant}?`
      throw document.wrong(value, `${key}: ${bad}: ${hint}`)
    }
    return values.map((text) => `--${key}=${text}`)
  }
}
