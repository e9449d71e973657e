// SPDX-License-Identifier: Apache-2.0
import { madeFacts } from '../../artifact/facts.js'
import type { Style } from '../../log/index.js'
import type { StepResult } from '../../usecases/step.js'
import { formatBytes } from '../../util/units.js'
import { formatPython } from './python.js'
import { renderFacts } from './table.js'

/** The final block of a bake in place: what is new in the image. */
export function renderStep(result: StepResult, style: Style): string {
  const { python, files } = result
  return [
    style.strong(`${style.good('Baked')} ${result.output === '/' ? 'in place' : `into ${result.output}`}`),
    '',
    ...renderFacts([
      ...madeFacts(result, { after: 'step' }),
      ['python', formatPython(python)],
      ...files.map(({ path, bytes }): [string, string] => ['wrote', `${path}  ${formatBytes(bytes)}`]),
    ]),
  ].join('\n')
}
