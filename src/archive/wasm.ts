// SPDX-License-Identifier: Apache-2.0
// The native core as a WebAssembly module (native/wasm/exports.c), for machines that no addon was made for. It gives the
// same bytes, more slowly.
import { readFileSync } from 'node:fs'
import type { NativeArchive, NativeBinding, NativeModule, NativeRegex, NativeTarget } from './native.js'

// The types of Node 20 have none for this.
declare namespace WebAssembly {
  interface Memory {
    readonly buffer: ArrayBuffer
  }
  class Module {
    constructor(bytes: Uint8Array)
  }
  class Instance {
    constructor(module: Module, imports: object)
    readonly exports: object
  }
}

type Address = number

/** What the module exports, beside its memory. A text or buffer is given as address and length. */
interface Exports {
  memory: WebAssembly.Memory
  _initialize(): void
  allocate(length: number): Address
  result_bytes(): Address
  result_length(): number
  set_target(...values: number[]): void
  add_module(...values: (number | bigint)[]): number
  add_regex(...values: number[]): number
  add_source(...values: number[]): void
  write_archive(info: Address, length: number): Address
  left_out(module: number): Address
  code_objects(module: number): number
  stored_bytes(module: number): number
  read_archive(bytes: Address, length: number): void
  identify(bytes: Address, length: number): number
  supported_versions(): void
}

/** Loads the core from a file; rejects what is no WebAssembly with the engine's own error. */
export function loadWasm(path: string): NativeBinding {
  const module = new WebAssembly.Module(readFileSync(path))
  return {
    writeArchive: (target, modules, caches, info) => {
      const core = new Core(module)
      core.setTarget(target)
      for (const one of modules) core.addModule(one)
      for (const one of caches.regexes) core.addRegex(one)
      for (const { mode, optimize, flags, filename, text, marshal } of caches.sources) {
        const numbers = [byte(mode, 'mode'), byte(optimize, 'optimize'), word(flags, 'flags')]
        core.exports.add_source(...numbers, ...core.give(filename, text, marshal))
      }
      const [address = 0, length = 0] = core.give(info)
      core.succeeds(core.exports.write_archive(address, length))
      return { archive: core.result(), modules: modules.map((_, index) => core.outcome(index)) }
    },
    readArchive: (bytes) => {
      const core = new Core(module)
      const [address = 0, length = 0] = core.give(bytes)
      core.exports.read_archive(address, length)
      return JSON.parse(core.result().toString()) as NativeArchive
    },
    identify: (bytes) => {
      const core = new Core(module)
      const [address = 0, length = 0] = core.give(bytes)
      const found = core.exports.identify(address, length)
      return { kind: found & 0xff, machine: found >>> 8, identity: core.result() }
    },
    supportedVersions: () => {
      const core = new Core(module)
      core.exports.supported_versions()
      return JSON.parse(core.result().toString()) as string[]
    },
  }
}

/** One instance, for one call: its memory goes with it. */
class Core {
  readonly exports: Exports

  constructor(module: WebAssembly.Module) {
    this.exports = new WebAssembly.Instance(module, {}).exports as unknown as Exports
    this.exports._initialize()
  }

  /** Puts buffers into the memory; gives address and length of each. */
  give(...buffers: readonly Uint8Array[]): number[] {
    return buffers.flatMap((bytes) => {
      const address = this.#has(this.exports.allocate(bytes.length))
      new Uint8Array(this.exports.memory.buffer, address, bytes.length).set(bytes)
      return [address, bytes.length]
    })
  }

  setTarget(target: NativeTarget): void {
    this.exports.set_target(
      word(target.hexversion, 'hexversion'),
      integer(target.machine, 0xffff, 'machine'),
      byte(target.validate, 'validate'),
      byte(target.optimize, 'optimize'),
      byte(target.identityKind, 'identityKind'),
      ...this.give(
        atMost(target.identity, MAX_IDENTITY, 'identity'),
        atMost(target.magic, MAGIC, 'magic'),
        target.files,
      ),
    )
  }

  addModule(module: NativeModule): void {
    const { name, origin, cached, entry, isPackage, mtime, size, sourceHash, marshal, seeds } = module
    const added = this.exports.add_module(
      ...this.give(name, origin, cached, entry),
      Number(isPackage),
      BigInt(integer(mtime, Number.MAX_SAFE_INTEGER, 'mtime', -Number.MAX_SAFE_INTEGER)),
      BigInt(integer(size, Number.MAX_SAFE_INTEGER, 'size')),
      ...this.give(atMost(sourceHash, HASH, 'sourceHash'), marshal, seeds),
    )
    this.#has(added)
  }

  addRegex({ isBytes, pattern, asked, flags, groups, words, names }: NativeRegex): void {
    const numbers = Buffer.alloc(names.length * 4)
    for (const [index, { group }] of names.entries()) numbers.writeUInt32LE(word(group, 'group'), index * 4)
    const added = this.exports.add_regex(
      Number(isBytes),
      ...this.give(pattern),
      word(asked, 'asked'),
      word(flags, 'flags'),
      word(groups, 'groups'),
      ...this.give(words, Buffer.from(names.map(({ name }) => `${name}\0`).join('')), numbers),
    )
    this.#has(added)
  }

  /** What became of a module. */
  outcome(index: number) {
    const reason = this.exports.left_out(index)
    return {
      leftOut: reason === 0 ? null : this.#text(reason),
      codeObjects: this.exports.code_objects(index) >>> 0,
      storedBytes: this.exports.stored_bytes(index) >>> 0,
    }
  }

  /** Throws the sentence that a function gave in the place of success. */
  succeeds(sentence: Address): void {
    if (sentence !== 0) throw new Error(this.#text(sentence))
  }

  /** A copy of what came out. */
  result(): Buffer {
    const { memory, result_bytes, result_length } = this.exports
    return Buffer.from(new Uint8Array(memory.buffer, result_bytes(), result_length() >>> 0))
  }

  #text(address: Address): string {
    const bytes = Buffer.from(this.exports.memory.buffer)
    return bytes.toString('utf8', address, bytes.indexOf(0, address))
  }

  /** Addresses are unsigned; 0 is how a C library says that memory is out. */
  #has(address: Address): Address {
    if (address === 0) throw new Error('out of memory: the archive is too large for this machine')
    return address >>> 0
  }
}

/** Bytes, as in struct pycds_target and struct pycds_module. */
const MAX_IDENTITY = 32
const MAGIC = 4
const HASH = 8

function atMost(bytes: Buffer, length: number, name: string): Buffer {
  if (bytes.length > length) throw new TypeError(`${name} is too long`)
  return bytes
}

function integer(value: number, max: number, name: string, min = 0): number {
  if (!(value >= min && value <= max)) throw new TypeError(`${name} is out of range`)
  return Math.trunc(value)
}

const byte = (value: number, name: string) => integer(value, 0xff, name)
const word = (value: number, name: string) => integer(value, 0xffffffff, name)
