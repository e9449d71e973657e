// SPDX-License-Identifier: Apache-2.0
import test from 'ava'
import { foreignForm, parseReference } from '../../../src/image/index.js'

for (const [text, hint] of [
  ['./layout', /oci:\.\/layout/],
  ['../layout', /oci:\.\.\/layout/],
  ['/srv/layout', /oci:\/srv\/layout/],
  ['.', /oci:\. /],
  ['./image.tar', /docker-archive:\.\/image\.tar/],
  ['C:\\layout', /oci:C:\\layout/],
  ['C:/layout', /oci:C:\/layout/],
  ['.\\layout', /oci:\.\\layout/],
  ['image.tar', /docker-archive:image\.tar .*oci-archive:image\.tar/],
  ['image.tar.gz', /docker-archive:image\.tar\.gz/],
  ['dir:layout', /skopeo copy dir:layout oci:DIR/],
  ['dir:./layout', /skopeo copy/],
  ['docker://host/app:1', /skopeo copy docker:\/\/host\/app:1/],
  ['docker-daemon:app:1', /^Write app:1:/],
  ['containers-storage:app:1', /^Write app:1:/],
] as const) {
  test(`${text} is no name, and its form is told`, (t) => t.regex(foreignForm(text)?.hint ?? '', hint))
}

for (const name of ['app', 'docker:dind', 'registry:2', 'localhost/app', 'host:5000/app', 'dirt:1']) {
  test(`${name} is a name`, (t) => {
    t.is(foreignForm(name), undefined)
    t.notThrows(() => parseReference(name))
  })
}

for (const text of ['./layout', '/srv/image.tar', 'docker://host/app', 'dir:/srv/x']) {
  test(`${text} is refused as a name with what to write`, (t) => {
    const error = t.throws(() => parseReference(text)) as { code?: string; hint?: string }
    t.is(error.code, 'USAGE')
    t.is(error.hint, foreignForm(text)?.hint)
  })
}
