// SPDX-License-Identifier: Apache-2.0
import type { Style } from '../../log/index.js'
import type { DoctorCheck, DoctorResult } from '../../usecases/doctor.js'
import { renderTable } from './table.js'

/** The examination for people: a line per check, and under each that is not ok what to do. */
export function renderDoctor(result: DoctorResult, style: Style): string {
  const marks: Record<DoctorCheck['status'], string> = {
    ok: style.good('ok  '),
    warn: style.warning('warn'),
    fail: style.bad('fail'),
  }
  const table = renderTable(
    ['left', 'left'],
    result.checks.map(({ title, detail }) => [title, detail]),
  )
  const subject = result.image === null ? 'this machine' : `this machine and ${result.image}`
  return [
    style.strong(result.ok ? `${subject}: ready to bake` : `${subject}: not ready to bake`),
    '',
    ...result.checks.flatMap((check, index) => {
      const line = `  ${marks[check.status]}  ${table[index] ?? ''}`
      return check.status === 'ok' || check.fix === null ? [line] : [line, `        fix: ${check.fix}`]
    }),
  ].join('\n')
}
