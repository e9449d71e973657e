// SPDX-License-Identifier: Apache-2.0
import type { Style } from '../../log/index.js'
import type { StepResult } from '../../usecases/step.js'
import { renderFacts } from './table.js'
import { formatBytes } from './units.js'

/** The final block of a bake in place: what is new in the image. */
export function renderStep(result: StepResult, style: Style): string {
  const { archive, python, files } = result
  const leftOut = archive.leftOut.length
  return [
    style.strong(`${style.good('Baked')} ${result.output === '/' ? 'in place' : `into ${result.output}`}`),
    '',
    ...renderFacts([
      ['modules', `${archive.modules} archived${leftOut === 0 ? '' : `, ${leftOut} left out`}`],
      ['python', `${python.version}  ${python.library ?? python.executable}`],
      ...files.map(({ path, bytes }): [string, string] => ['wrote', `${path}  ${formatBytes(bytes)}`]),
    ]),
  ].join('\n')
}
