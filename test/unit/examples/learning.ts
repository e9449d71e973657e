// SPDX-License-Identifier: Apache-2.0
// The manifests of the function that learns: what is learned outlives a pod, in the directory that `prepare` names.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import test from 'ava'
import { LEARN_DIRECTORY } from '../../../src/marks/marks.js'
import { type Document, loadDocuments } from '../../helpers/documents.js'
import { ROOT } from '../../helpers/repository.js'

const KIT = 'examples/05-learning-function'
/** Below this no archive is made beside the program: see docs/learning.md. */
const HELPER_MIB = 64

/** The user of the image. */
const USER = /^USER (\d+):/m.exec(readFileSync(join(ROOT, KIT, 'Dockerfile'), 'utf8'))?.[1] ?? ''

function mountsIn(t: { is(a: unknown, b: unknown): void }, pod: Document): void {
  for (const { volumeMounts } of [...(pod.initContainers ?? []), ...pod.containers])
    for (const { name } of volumeMounts)
      t.is(pod.volumes.filter((one: Document) => one.name === name).length, 1)
  t.is(pod.containers[0].volumeMounts[0].mountPath, LEARN_DIRECTORY)
}

test('pods of Kubernetes learn in a directory of the node, which each user may write to', (t) => {
  const [{ spec }] = loadDocuments(t, KIT, 'kubernetes.yaml').documents
  const pod = spec.template.spec
  t.deepEqual(spec.selector.matchLabels, spec.template.metadata.labels)
  mountsIn(t, pod)
  t.is(pod.volumes[0].hostPath.type, 'DirectoryOrCreate')
  t.is(String(pod.securityContext.runAsUser), USER)
  const [init] = pod.initContainers
  t.deepEqual(init.command, ['chmod', '1777', init.volumeMounts[0].mountPath])
  t.is(init.securityContext.runAsUser, 0)
  const { limits, requests } = pod.containers[0].resources
  t.true(Number.parseInt(limits.memory, 10) - Number.parseInt(requests.memory, 10) >= HELPER_MIB)
})

test('Knative may write to a claim that outlives its pods', (t) => {
  const [claim, service] = loadDocuments(t, KIT, 'knative.yaml').documents
  const pod = service.spec.template.spec
  mountsIn(t, pod)
  t.deepEqual(pod.volumes[0].persistentVolumeClaim, { claimName: claim.metadata.name, readOnly: false })
  t.deepEqual(claim.spec.accessModes, ['ReadWriteMany'])
  t.is(String(pod.containers[0].securityContext.runAsUser), USER)
  t.is(String(pod.securityContext.fsGroup), USER)
  t.is(pod.securityContext.fsGroupChangePolicy, 'OnRootMismatch')
})
