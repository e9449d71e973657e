// SPDX-License-Identifier: Apache-2.0
import { create } from '@bufbuild/protobuf'
import type { Gateway } from '../gateway/index.js'
import { type Result, ResultSchema } from '../gen/gateway_pb.js'
import { files, image, type Platform, run, toDefinition } from '../llb/index.js'
import { TOOL_DIRECTORY, type TraceStep } from '../trace-step.js'

const PLATFORM: Platform = {
  os: 'linux',
  architecture: process.arch === 'arm64' ? 'arm64' : 'amd64',
  variant: '',
}
const IN = '/in'
const NODE = [
  `${TOOL_DIRECTORY}/lib/ld.so`,
  '--library-path',
  `${TOOL_DIRECTORY}/lib`,
  `${TOOL_DIRECTORY}/bin/node`,
]
const PRINT = 'process.stdout.write(require("node:fs").readFileSync(process.argv[1]))'

/** A result that is one file, whose text also appears in the build's output. */
export async function printed(
  name: string,
  text: string,
  tool: TraceStep['tool'] | undefined,
  gateway: Gateway,
): Promise<Result> {
  const file = files({ [name]: Buffer.from(text) }, PLATFORM, { name: `[pycds-image] ${name}` })
  if (tool !== undefined) {
    const root = image(tool.reference, tool.resolveMode, PLATFORM, {
      name: `[pycds-image] ${tool.reference}`,
    })
    const [, done] = run(
      {
        args: [...NODE, '-e', PRINT, `${IN}/${name}`],
        env: [],
        cwd: '/',
        platform: PLATFORM,
        mounts: [
          { at: '/', from: root, kind: 'output' },
          { at: '/done', kind: 'output' },
          { at: IN, from: file, kind: 'input' },
        ],
      },
      // What was printed once is not printed again from the cache.
      { name: `[pycds-image] print ${name}`, ignoreCache: true },
    )
    if (done) {
      const { result } = await gateway.solve({ definition: toDefinition(done), evaluate: true })
      if (result.case === 'ref' && result.value.id !== '') await gateway.readFile(result.value.id, name)
    }
  }
  const { result } = await gateway.solve({ definition: toDefinition(file) })
  return create(ResultSchema, { result })
}
