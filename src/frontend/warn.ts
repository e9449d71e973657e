// SPDX-License-Identifier: Apache-2.0
import type { Capabilities, Gateway } from './gateway/index.js'
import { files, type State, toDefinition } from './llb/index.js'

export interface WarnPorts {
  readonly gateway: Gateway
  readonly capabilities: Capabilities
}

const TEXT = 'warning'

/**
 * Shows a warning with the build's output. Builders before 0.10 have no warnings, but every operation shows its name:
 * there the warning is the name of one that makes a file nobody uses.
 */
export async function warn(
  text: string,
  detail: readonly string[],
  about: State,
  { gateway, capabilities }: WarnPorts,
): Promise<void> {
  if (capabilities.supports('gateway.warnings')) {
    const lines = [...detail].map((line) => Buffer.from(line))
    await gateway.warn({
      digest: about.digest,
      level: 1n,
      short: Buffer.from(`pycds-image: ${text}`),
      detail: lines,
    })
    return
  }
  const line = [`WARNING: pycds-image: ${text}`, ...detail].join('; ').replace(/\s+/g, ' ')
  const state = files(
    { [TEXT]: Buffer.from(line) },
    { architecture: '', os: '', variant: '' },
    { name: line, ignoreCache: true },
  )
  const { result } = await gateway.solve({ definition: toDefinition(state) })
  if (result.case === 'ref') await gateway.readFile(result.value.id, TEXT)
}
