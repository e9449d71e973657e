// SPDX-License-Identifier: Apache-2.0
import type { Style } from '../../log/index.js'
import type { PlanResult } from '../../usecases/plan.js'
import { quote } from '../../util/quote.js'
import { renderFacts } from './table.js'

/** A plan for people. */
export function renderPlan({ source, output, training }: PlanResult, style: Style): string {
  const { mode, command, imports, readiness } = training
  const what = {
    entrypoint: command.map(quote).join(' '),
    imports: `import ${imports.join(', ')}`,
    none: 'not run',
  }
  return [
    style.strong(`Plan for ${source.reference}: nothing was started`),
    '',
    ...renderFacts([
      ['platform', `${source.platform}, ${source.layers} layers`],
      ['training', what[mode]],
      ...(mode === 'entrypoint' ? [['ready', readiness] as [string, string]] : []),
      ['image', output],
    ]),
  ].join('\n')
}
