import { setTimeout as pause } from 'node:timers/promises'
import { startEtcd } from '../test/lab/etcd.ts'
import { APP_IMAGE } from '../test/lab/image.ts'
import { startCluster } from '../test/system/cluster.ts'
import { cpuMicroseconds, family, memory, named, roleOf } from './cpu.ts'
import { startBackends, staticNginx } from './proxies.ts'
import type { Report } from './report.ts'

const APPS = 100
const SECONDS = Number(process.env.BENCH_IDLE ?? 60)
/** Milliseconds in which what the start has left is collected: a tenth of a second for each process, once. */
const SETTLED = 60_000

/**
 * What all of Reveille costs while a hundred apps sleep and nobody asks: CPU and memory of `up`, its services and its
 * nginx, beside an nginx and an etcd that do nothing, in the same minute.
 */
export async function benchIdle(): Promise<Report> {
  const cluster = await startCluster()
  const backends = await startBackends(1)
  const bare = await staticNginx([{ name: 'app', at: `127.0.0.1:${backends.ports[0]}` }])
  const etcd = await startEtcd()
  try {
    for (let i = 0; i < APPS; i += 1)
      await cluster.add({ name: `idle-${i}`, image: APP_IMAGE, idleAfter: '1h' })
    await pause(SETTLED)
    const groups = {
      ours: family(cluster.pid),
      etcd: named(cluster.etcd.url),
      bareNginx: bare.workers,
      bareEtcd: named(etcd.url),
    }
    const names = Object.keys(groups) as (keyof typeof groups)[]
    const before = names.map((name) => cpuMicroseconds(groups[name]))
    const roles = [...new Set(groups.ours.map(roleOf))].map((role) => {
      const pids = groups.ours.filter((pid) => roleOf(pid) === role)
      return { role, pids, before: cpuMicroseconds(pids) }
    })
    await pause(SECONDS * 1000)
    /** Percent of one core. */
    const share = (micro: number): number => (micro / (SECONDS * 1e6)) * 100
    const cpu = Object.fromEntries(
      names.map((name, i) => [name, share(cpuMicroseconds(groups[name]) - (before[i] ?? 0))]),
    ) as Record<(typeof names)[number], number>
    const each = roles.map(({ role, pids, before: was }) => {
      return { role, cpu: share(cpuMicroseconds(pids) - was), ...memory(pids) }
    })
    const { rss, pss } = memory(groups.ours)
    const bareRss = memory([...groups.bareNginx, ...groups.bareEtcd]).rss
    const mib = (kb: number): string => `${(kb / 1024).toFixed(0)} MiB`
    const percent = (value: number): string => `${value.toFixed(2)} %`
    return {
      rows: [
        {
          metric: `idle for ${SECONDS} s with ${APPS} apps asleep: CPU of all our processes`,
          against: `nginx and etcd alone: ${percent(cpu.bareNginx + cpu.bareEtcd)} of a core`,
          figure: `${percent(cpu.ours)} of a core`,
          bar: '<= 0.5 %',
          reached: cpu.ours <= 0.5,
        },
        {
          metric: '  CPU of the etcd that they use',
          against: `an etcd that nobody uses: ${percent(cpu.bareEtcd)} of a core`,
          figure: `${percent(cpu.etcd)} of a core`,
        },
        {
          metric: '  resident set of all our processes, shared pages counted once / for each',
          against: `nginx and etcd alone: ${mib(bareRss)}`,
          figure: `${mib(pss)} / ${mib(rss)}`,
          bar: '<= 250 MiB',
          reached: rss <= 250 * 1024,
        },
        ...each.map(({ role, cpu: part, rss: kb, pss: own }) => ({
          metric: `    of which ${role}`,
          against: '',
          figure: `${percent(part)}, ${mib(own)} / ${mib(kb)}`,
          mark: { label: role, middle: own / 1024, low: own / 1024, high: kb / 1024 },
        })),
      ],
      unit: 'MiB: shared pages counted once, and for each',
      data: { cpu, each, rss, pss, bareRss },
    }
  } finally {
    await Promise.allSettled([cluster.stop(), bare.stop(), backends.stop(), etcd.stop()])
  }
}
