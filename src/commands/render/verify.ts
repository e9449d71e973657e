// SPDX-License-Identifier: Apache-2.0
import { countColumns, startLines } from '../../artifact/facts.js'
import type { Style } from '../../log/index.js'
import type { VerifyResult, VerifyScenario } from '../../usecases/verify.js'
import { formatPercentage } from '../../util/units.js'
import { renderLeftOut } from './left-out.js'
import { renderTable } from './table.js'

/** The outcome of a verification for people: a line per start, and for failed ones what was missed. */
export function renderVerify(result: VerifyResult, style: Style): string {
  const verdict = result.ok ? style.good('verified') : style.bad('not verified')
  const gate =
    result.minHitRate === null ? '' : ` (at least ${formatPercentage(result.minHitRate)} asked for)`
  const table = renderTable(['left', 'right', 'right', 'left'], result.scenarios.map(toRow))
  return [
    style.strong(`${result.image.reference}: ${verdict}${gate}`),
    '',
    ...result.scenarios.flatMap((scenario, index) => {
      const mark = scenario.ok ? style.good('ok  ') : style.bad('fail')
      const missed =
        scenario.ok || failsBothWays(scenario)
          ? []
          : renderLeftOut(scenario.missed).map((line) => `      ${line}`)
      const lines = startLines(scenario, scenario.snapshot).map((line) => `        ${line}`)
      return [`  ${mark}  ${table[index] ?? ''}`, ...lines, ...missed]
    }),
  ].join('\n')
}

/** Then what the archive did not serve is not the cause. */
function failsBothWays({ exitCode, original }: VerifyScenario): boolean {
  return exitCode !== null && exitCode !== 0 && original.exitCode === exitCode
}

function toRow(scenario: VerifyScenario): string[] {
  return [scenario.name, ...countColumns(scenario), scenario.reason ?? sameFailure(scenario)]
}

/** What is not the archive's doing, but may not be what was meant to be tried. */
function sameFailure({ ok, exitCode, original }: VerifyScenario): string {
  const isSame = ok && exitCode !== null && exitCode !== 0 && original?.exitCode === exitCode
  return isSame ? `it ends with exit code ${exitCode}, as the original does` : ''
}
