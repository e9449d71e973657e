// SPDX-License-Identifier: Apache-2.0
// What looks at ports from inside a container, in a network of its own.
import { spawnSync } from 'node:child_process'
import test from 'ava'
import { inRepository } from '../helpers/repository.js'

const PROBE = inRepository(`prebuilds/linux-${process.arch}/pycds-probe`)
const ALONE = ['unshare', '--user', '--map-root-user', '--net']

/** Serves every address of IPv6, and those of IPv4 with it, where the loopback interface has the latter only. */
const SERVICE = `
import fcntl, socket, struct, subprocess, sys, threading
open("/proc/sys/net/ipv6/conf/all/disable_ipv6", "w").write("1")
server = socket.socket(socket.AF_INET6)
server.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
SET_FLAGS, UP = 0x8914, 1
fcntl.ioctl(server, SET_FLAGS, struct.pack("16sh14x", b"lo", UP))
server.bind(("::", 8000))
server.listen()
taken = []
threading.Thread(target=lambda: [taken.append(server.accept()) for _ in iter(int, 1)], daemon=True).start()
sys.exit(subprocess.run([sys.argv[1], "accept", "8000", "5000"]).returncode)
`

const possible = spawnSync('unshare', [...ALONE.slice(1), 'true']).status === 0
if (!possible) process.stderr.write('skipped for want of namespaces: the probe has no network of its own\n')
const here = possible ? test : test.skip

here('a service on all addresses of IPv6 is reached where there is only IPv4', (t) => {
  const [program = '', ...words] = [...ALONE, 'python3', '-c', SERVICE, PROBE]
  const { status, stderr } = spawnSync(program, words, { encoding: 'utf8' })
  t.is(status, 0, stderr)
})
