// SPDX-License-Identifier: Apache-2.0
// A container that does what a test tells it to.
import type { Container, ExecResult, ExecSpec, OutputListener } from '../../src/ports/index.js'

export interface FakeContainer extends Container {
  /** What was called, in order. */
  readonly calls: string[]
  /** Ends its main process. */
  end(exitCode: number): void
  print(text: string, stream?: 'stdout' | 'stderr'): void
}

/** @param exec answers what is run inside. */
export function fakeContainer(
  exec: (spec: ExecSpec) => ExecResult | Promise<ExecResult> = () => ({ exitCode: 0, output: '' }),
  more: Partial<Container> = {},
): FakeContainer {
  const calls: string[] = []
  let listener: OutputListener | undefined
  let end = (_: { exitCode: number }) => {}
  const ended = new Promise<{ exitCode: number }>((resolve) => {
    end = resolve
  })
  return {
    id: 'fake',
    calls,
    start: async (onOutput) => {
      listener = onOutput
    },
    wait: () => ended,
    exec: async (spec) => exec(spec),
    stop: async () => {
      calls.push('stop')
      end({ exitCode: 137 })
    },
    stat: async () => undefined,
    lstat: async () => undefined,
    readFile: async () => undefined,
    readTree: async () => new Map(),
    changed: async () => new Set(),
    end: (exitCode) => end({ exitCode }),
    print: (text, stream = 'stdout') => listener?.(stream, Buffer.from(text)),
    ...more,
  }
}
