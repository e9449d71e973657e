// SPDX-License-Identifier: Apache-2.0
// The calls that a frontend makes, as functions. Nothing above this file knows of gRPC.
import {
  create,
  type DescMessage,
  fromBinary,
  type MessageInitShape,
  type MessageShape,
  toBinary,
} from '@bufbuild/protobuf'
import {
  InputsRequestSchema,
  InputsResponseSchema,
  PingRequestSchema,
  PongResponseSchema,
  ReadFileRequestSchema,
  ReadFileResponseSchema,
  ResolveImageConfigRequestSchema,
  type ResolveImageConfigResponse,
  ResolveImageConfigResponseSchema,
  type Result,
  ReturnRequestSchema,
  ReturnResponseSchema,
  SolveRequestSchema,
  SolveResponseSchema,
  StatFileRequestSchema,
  StatFileResponseSchema,
  WarnRequestSchema,
  WarnResponseSchema,
} from '../gen/gateway_pb.js'
import type { Definition } from '../gen/ops_pb.js'
import type { Status } from '../gen/status_pb.js'
import { type Capabilities, readCapabilities } from './capabilities.js'
import { CODE, failure } from './status.js'
import type { CallOptions, Transport } from './transport.js'

/** BuildKit's own client gives up on its first word after the same time. */
const PING_TIMEOUT_MS = 15_000

export const SERVICE = 'moby.buildkit.v1.frontend.LLBBridge'

type SolveInit = MessageInitShape<typeof SolveRequestSchema>

/** BuildKit as a frontend sees it. Calls reject with a BuilderError. */
export interface Gateway {
  /** The first call; ENGINE_FAILED when the builder cannot do what is needed. */
  ping(): Promise<Capabilities>
  /** Graphs that stand for build contexts, by name. */
  inputs(): Promise<Readonly<Record<string, Definition>>>
  /** Has a graph, or another frontend, made into a result. Nothing is built until its files are asked for. */
  solve(request: SolveInit): Promise<Result>
  resolveImageConfig(
    request: MessageInitShape<typeof ResolveImageConfigRequestSchema>,
  ): Promise<ResolveImageConfigResponse>
  /** A file of a result, which is built for it; undefined when it does not exist. */
  readFile(ref: string, path: string): Promise<Buffer | undefined>
  /** When a file of a result was last written, in milliseconds since 1970. */
  modified(ref: string, path: string): Promise<number>
  warn(request: MessageInitShape<typeof WarnRequestSchema>): Promise<void>
  /** The last call: what the build gives, or what it fails with. */
  return(answer: { result: Result } | { error: Status }): Promise<void>
}

export function createGateway(transport: Transport): Gateway {
  async function call<I extends DescMessage, O extends DescMessage>(
    method: string,
    [input, output]: readonly [I, O],
    init: MessageInitShape<I>,
    options?: CallOptions,
  ): Promise<MessageShape<O>> {
    return fromBinary(output, await transport.unary(method, toBinary(input, create(input, init)), options))
  }
  return {
    ping: async () => {
      const pong = await call(
        'Ping',
        [PingRequestSchema, PongResponseSchema],
        {},
        { timeoutMs: PING_TIMEOUT_MS },
      )
      return readCapabilities(pong)
    },
    inputs: async () => (await call('Inputs', [InputsRequestSchema, InputsResponseSchema], {})).definitions,
    solve: async (request) => {
      const message = create(SolveRequestSchema, request)
      message.allowResultReturn = true
      message.allowResultArrayRef = true
      const { result } = await call('Solve', [SolveRequestSchema, SolveResponseSchema], message)
      if (result === undefined) throw failure(CODE.unknown, 'BuildKit gave no result')
      return result
    },
    resolveImageConfig: (request) =>
      call(
        'ResolveImageConfig',
        [ResolveImageConfigRequestSchema, ResolveImageConfigResponseSchema],
        request,
      ),
    readFile: async (ref, filePath) => {
      try {
        const { data } = await call('ReadFile', [ReadFileRequestSchema, ReadFileResponseSchema], {
          ref,
          filePath,
        })
        return Buffer.from(data)
      } catch (error) {
        if (error instanceof Error && /no such file or directory/.test(error.message)) return undefined
        throw error
      }
    },
    modified: async (ref, path) => {
      const { stat } = await call('StatFile', [StatFileRequestSchema, StatFileResponseSchema], { ref, path })
      return Number(stat?.modTime ?? 0n) / 1e6
    },
    warn: async (request) => {
      await call('Warn', [WarnRequestSchema, WarnResponseSchema], request)
    },
    return: async (answer) => {
      await call('Return', [ReturnRequestSchema, ReturnResponseSchema], answer)
    },
  }
}
