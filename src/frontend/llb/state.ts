// SPDX-License-Identifier: Apache-2.0
// A file system that is yet to be built: one output of an operation, with all operations below it.
// States are values. BuildKit's graphs become states, and states become graphs for BuildKit.
import { createHash } from 'node:crypto'
import { create, fromBinary, type MessageInitShape, toBinary } from '@bufbuild/protobuf'
import { type Definition, DefinitionSchema, type Input, OpMetadataSchema, OpSchema } from '../gen/ops_pb.js'

interface StoredOp {
  /** Exactly as hashed: another encoding of the same operation would have another name. */
  readonly bytes: Uint8Array
  readonly metadata: Uint8Array
}

export interface State {
  /** Of the operation, as `sha256:...`. */
  readonly digest: string
  /** Which of the operation's outputs. */
  readonly index: number
  /** The operation and those that it needs, by digest. */
  readonly ops: ReadonlyMap<string, StoredOp>
  /** Which lines of which file the operations come from, for messages. */
  readonly source: Uint8Array
}

/** How an operation is shown and treated; no part of what it makes. */
export interface OpNote {
  /** What the build's output shows. */
  readonly name: string
  /** Run it even if the result is known. */
  readonly ignoreCache?: boolean
}

/** The result that a graph from BuildKit names; undefined for an empty file system. */
export function fromDefinition(definition: Definition | undefined): State | undefined {
  const last = definition?.def.at(-1)
  if (definition === undefined || last === undefined) return undefined
  const [result] = fromBinary(OpSchema, last).inputs
  if (result === undefined) return undefined
  const ops = new Map<string, StoredOp>()
  for (const bytes of definition.def.slice(0, -1)) {
    const digest = digestOf(bytes)
    ops.set(digest, { bytes, metadata: definition.metadata[digest] ?? new Uint8Array() })
  }
  return { digest: result.digest, index: Number(result.index), ops, source: definition.source }
}

/** The graph of a state. */
export function toDefinition(state: State): Definition {
  const last = toBinary(OpSchema, create(OpSchema, { inputs: [reference(state)] }))
  const metadata = Object.fromEntries([...state.ops].map(([digest, op]) => [digest, op.metadata]))
  return create(DefinitionSchema, {
    def: [...[...state.ops.values()].map((op) => op.bytes), last],
    // BuildKit looks for the metadata of every operation, also of the last one.
    metadata: { ...metadata, [digestOf(last)]: new Uint8Array() },
    source: state.source,
  })
}

/** Adds an operation on top of its inputs; the inputs must be in the order in which the operation counts them. */
export function addOp(
  op: Omit<MessageInitShape<typeof OpSchema>, 'inputs' | '$typeName'>,
  inputs: readonly State[],
  note: OpNote,
): (index: number) => State {
  const bytes = toBinary(OpSchema, create(OpSchema, { ...op, inputs: inputs.map(reference) }))
  const metadata = toBinary(
    OpMetadataSchema,
    create(OpMetadataSchema, {
      ignoreCache: note.ignoreCache ?? false,
      description: { 'llb.customname': note.name },
    }),
  )
  const digest = digestOf(bytes)
  const ops = new Map(inputs.flatMap((input) => [...input.ops]))
  ops.set(digest, { bytes, metadata })
  const source = inputs.find((input) => input.source.length > 0)?.source ?? new Uint8Array()
  return (index) => ({ digest, index, ops, source })
}

function reference(state: State): Pick<Input, 'digest' | 'index'> {
  return { digest: state.digest, index: BigInt(state.index) }
}

function digestOf(bytes: Uint8Array): string {
  return `sha256:${createHash('sha256').update(bytes).digest('hex')}`
}
