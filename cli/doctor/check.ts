import type { Settings } from '../../model/setting.ts'

export type Level = 'ok' | 'warn' | 'fail'

/** What a check found out about one thing. */
export interface Finding {
  /** the thing: `etcd http://10.0.0.1:2379` */
  name: string
  level: Level
  detail: string
  /** what to do about it; there is one unless all is well */
  mend?: string
}

/** Looks at one thing of this machine or the cluster, changes nothing, and is done within seconds. */
export type Check = (settings: Settings) => Promise<Finding[]>

export const ok = (name: string, detail: string): Finding => ({ name, level: 'ok', detail })
export const warn = (name: string, detail: string, mend: string): Finding => ({
  name,
  level: 'warn',
  detail,
  mend,
})
export const fail = (name: string, detail: string, mend: string): Finding => ({
  name,
  level: 'fail',
  detail,
  mend,
})

/** Runs the checks one after the other. A check that breaks is a finding itself. */
export async function examine(
  checks: Record<string, Check>,
  settings: Settings,
  onFinding: (finding: Finding) => void,
  signal: AbortSignal,
): Promise<Finding[]> {
  const findings: Finding[] = []
  for (const [name, check] of Object.entries(checks)) {
    if (signal.aborted) break
    const found = await check(settings).catch((error: unknown) => [
      fail(name, `cannot be checked: ${String(error)}`, 'Run this as root to see more.'),
    ])
    for (const finding of found) onFinding(finding)
    findings.push(...found)
  }
  return findings
}
