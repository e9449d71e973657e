// SPDX-License-Identifier: Apache-2.0
// The config.json of an OCI bundle.
import type { ExecSpec } from '../../../ports/index.js'
import type { RunPlan } from '../run-plan.js'

/** What is hidden or not writable under /proc and /sys, as engines have it. */
const MASKED = ['acpi', 'kcore', 'keys', 'latency_stats', 'timer_list', 'timer_stats', 'sched_debug', 'scsi']
const READ_ONLY = ['bus', 'fs', 'irq', 'sys', 'sysrq-trigger']

const NO_EXEC = ['nosuid', 'noexec', 'nodev']

/** Describes a run to crun and runc. */
export function toBundleConfig(plan: RunPlan): object {
  const { uid, gid } = plan.user
  // Root too can be without the right to give files away, inside of containers.
  const rootless = !plan.ownersKept
  return {
    ociVersion: '1.0.2',
    process: toProcess(plan),
    root: { path: plan.root, readonly: plan.readOnly },
    hostname: plan.hostname,
    mounts: [
      { destination: '/proc', type: 'proc', source: 'proc', options: NO_EXEC },
      {
        destination: '/dev',
        type: 'tmpfs',
        source: 'tmpfs',
        options: ['nosuid', 'strictatime', 'mode=755', 'size=65536k'],
      },
      {
        destination: '/dev/pts',
        type: 'devpts',
        source: 'devpts',
        options: ['nosuid', 'noexec', 'newinstance', 'ptmxmode=0666', 'mode=0620'],
      },
      {
        destination: '/dev/shm',
        type: 'tmpfs',
        source: 'shm',
        options: [...NO_EXEC, 'mode=1777', 'size=65536k'],
      },
      ...(plan.isolateNetwork
        ? [{ destination: '/sys', type: 'sysfs', source: 'sysfs', options: [...NO_EXEC, 'ro'] }]
        : []),
      ...[...plan.networkFiles, ...plan.mounts].map(({ source, target, readOnly }) => ({
        destination: target,
        type: 'bind',
        source,
        options: ['rbind', 'rprivate', readOnly ? 'ro' : 'rw'],
      })),
    ],
    linux: {
      namespaces: [
        'pid',
        'ipc',
        'uts',
        'mount',
        ...(plan.isolateNetwork ? ['network'] : []),
        ...(rootless ? ['user'] : []),
      ].map((type) => ({ type })),
      ...(rootless
        ? {
            uidMappings: [{ containerID: uid, hostID: process.geteuid?.(), size: 1 }],
            gidMappings: [{ containerID: gid, hostID: process.getegid?.(), size: 1 }],
          }
        : {}),
      maskedPaths: [...MASKED.map((name) => `/proc/${name}`), '/sys/firmware'],
      readonlyPaths: READ_ONLY.map((name) => `/proc/${name}`),
    },
  }
}

/** A process for a bundle's config.json, or for `exec`. */
export function toProcess(plan: RunPlan, exec?: ExecSpec): object {
  const { uid, gid, groups } = plan.user
  // Another user than root gets capabilities only through files, which the bounding set limits.
  const own = uid === 0 ? plan.capabilities : []
  return {
    terminal: false,
    user: { uid, gid, ...(plan.ownersKept && groups.length > 0 ? { additionalGids: groups } : {}) },
    args: exec?.command ?? plan.command,
    env: Object.entries({ ...plan.env, ...exec?.env }).map(([name, value]) => `${name}=${value}`),
    cwd: plan.cwd,
    ...(plan.noNewPrivileges === true ? { noNewPrivileges: true } : {}),
    capabilities: {
      bounding: plan.capabilities,
      effective: own,
      permitted: own,
      inheritable: [],
      ambient: [],
    },
  }
}
