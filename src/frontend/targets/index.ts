// SPDX-License-Identifier: Apache-2.0
// Targets that build nothing and show what would be built: `--target pycds-debug-plan`, or `pycds-debug-plan:web`
// for a stage. A Dockerfile's own stage of that name cannot be built with this frontend.
import type { Gateway } from '../gateway/index.js'
import type { Result } from '../gen/gateway_pb.js'
import { describeLlb } from './llb.js'
import { describePlan } from './plan.js'
import { printed } from './printed.js'
import type { Shown } from './shown.js'

export interface DebugTarget {
  /** The stage that is meant; empty for the last one. */
  readonly target: string
  answer(shown: Shown, ports: { readonly gateway: Gateway }): Promise<Result>
}

const TARGETS: Readonly<
  Record<string, { readonly file: string; readonly describe: (shown: Shown) => unknown }>
> = {
  'pycds-debug-plan': { file: 'plan.json', describe: describePlan },
  'pycds-debug-llb': { file: 'llb.json', describe: describeLlb },
}

/** The debug target of that name; undefined for a stage of the Dockerfile. */
export function debugTarget(name: string): DebugTarget | undefined {
  const [kind = '', ...stage] = name.split(':')
  const found = TARGETS[kind]
  if (found === undefined) return undefined
  return {
    target: stage.join(':'),
    answer: (shown, { gateway }) => {
      const text = `${JSON.stringify(found.describe(shown), undefined, 2)}\n`
      return printed(found.file, text, shown.plan[0]?.step?.tool, gateway)
    },
  }
}
