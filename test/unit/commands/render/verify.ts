// SPDX-License-Identifier: Apache-2.0
import test from 'ava'
import { renderVerify } from '../../../../src/commands/render/verify.js'
import { createStyle } from '../../../../src/log/index.js'

const PLAIN = createStyle({}, {})
const ENDED = { endedBy: 'exit', exitCode: 0, probes: [], original: { endedBy: 'exit', exitCode: 0 } }

test('a start that fails with the archive and without is told as such', (t) => {
  const start = { served: 9, total: 10, hitRate: 90, reason: null, missed: [], snapshot: null, probes: [] }
  const end = { endedBy: 'exit', exitCode: 255 }
  const of = (original: { endedBy: string; exitCode: number }) =>
    renderVerify(
      {
        ...{ schema: 'io.pycds.verify/1', image: { reference: 'app', id: 'sha256:b' }, original: null },
        ...{ ok: true, minHitRate: null },
        scenarios: [{ name: 'as it is', ok: true, ...start, ...end, original }],
      },
      PLAIN,
    )
  t.regex(of(end), /90 % {2}it ends with exit code 255, as the original does/)
  t.notRegex(of({ endedBy: 'exit', exitCode: 0 }), /original/)
})

test('what was missed is no cause where the original fails alike', (t) => {
  const missed = [{ name: 'encodings', reason: 'BEFORE_HOOK' }]
  const start = { served: 9, total: 10, hitRate: 90, reason: 'it ended with exit code 1', missed, probes: [] }
  const of = (original: { endedBy: string; exitCode: number }) =>
    renderVerify(
      {
        ...{ schema: 'io.pycds.verify/1', image: { reference: 'app', id: 'sha256:b' }, original: null },
        ...{ ok: false, minHitRate: null },
        scenarios: [
          { name: 'as it is', ok: false, ...start, snapshot: null, endedBy: 'exit', exitCode: 1, original },
        ],
      },
      PLAIN,
    )
  t.notRegex(of({ endedBy: 'exit', exitCode: 1 }), /BEFORE_HOOK/)
  t.regex(of({ endedBy: 'exit', exitCode: 0 }), /BEFORE_HOOK/)
})

test('each start is a line; a failed one tells why and what it missed', (t) => {
  const text = renderVerify(
    {
      schema: 'io.pycds.verify/1',
      image: { reference: 'app:1-cds', id: 'sha256:b' },
      original: null,
      ok: false,
      minHitRate: 95,
      scenarios: [
        {
          name: 'as it is',
          ok: true,
          served: 100,
          total: 100,
          hitRate: 100,
          reason: null,
          missed: [],
          snapshot: {
            processes: 1,
            modules: 88,
            statements: 5,
            notReady: [{ name: 'seaborn', because: 'matplotlib', reason: 'its source has changed' }],
            milliseconds: 2.14,
            refusal: null,
            notAtOnce: null,
            atOnce: 0,
          },
          ...ENDED,
        },
        {
          name: 'as user 12345',
          ok: false,
          served: 9,
          total: 10,
          hitRate: 90,
          reason: 'hit rate below 95 %',
          missed: [{ name: 'app.plugins', reason: 'source changed' }],
          snapshot: {
            processes: 3,
            modules: 6,
            statements: 3,
            notReady: [],
            milliseconds: 8,
            refusal: null,
            notAtOnce: null,
            atOnce: 0,
          },
          ...ENDED,
        },
      ],
    },
    PLAIN,
  )
  t.is(
    text,
    [
      'app:1-cds: not verified (at least 95 % asked for)',
      '',
      '  ok    as it is       100/100  100 %',
      '        thawed 88 modules in 2.1 ms; 12 from the archive',
      '        1 of 5 import statements did not find their modules ready (PYCDS_LOG=1 tells why), among them:',
      '          not ready seaborn: matplotlib: its source has changed',
      '  fail  as user 12345     9/10   90 %  hit rate below 95 %',
      '        thawed 6 modules in 3 processes, 8.0 ms each; 3 from the archive',
      '        source changed (1 module)',
      '          app.plugins',
    ].join('\n'),
  )
})
