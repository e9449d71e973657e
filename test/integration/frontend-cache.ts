// SPDX-License-Identifier: Apache-2.0
// What is run again when something changes.
import { isCached, isTraceCached, type SideBuilder, sideTests } from '../helpers/side-builds.js'

const testSide = await sideTests()
const TO_NOTHING = ['--output', 'type=cacheonly']

/** An application that no earlier run of the tests has built. */
const application = (what: string) => ({
  'requirements.txt': `${process.pid}\n`,
  'app.py': `import json, logging, email.message\nprint("${what} ${process.pid}")\n`,
})

const dockerfile = ({ base }: Pick<SideBuilder, 'base'>): string =>
  `FROM ${base}\nCOPY requirements.txt /\nRUN cp /requirements.txt /installed\nCOPY app.py /app.py\nCMD ["python3", "/app.py"]\n`

testSide('a change of the application keeps the layers below it, and trains again', async (t, builder) => {
  const text = builder.line() + dockerfile(builder)
  await builder.builds(t, text, TO_NOTHING, application('one'))
  const same = await builder.builds(t, text, TO_NOTHING, application('one'))
  t.true(isTraceCached(same), same)
  const changed = await builder.builds(t, text, TO_NOTHING, application('two'))
  t.true(isCached(changed, /\[[^\]]+\] RUN cp/), changed)
  t.false(isCached(changed, /\[[^\]]+\] COPY app\.py/), changed)
  t.false(isTraceCached(changed), changed)
})
