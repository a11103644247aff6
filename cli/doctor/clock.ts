import { ask } from './ask.ts'
import { type Check, type Finding, ok, warn } from './check.ts'
import { clientOf } from './etcd.ts'

/** Seconds two clocks may differ before times in logs and records mislead. HTTP dates have whole seconds. */
const APART = 3

/** Holds our clock against those of etcd and the API. Nothing relies on it but people who read times. */
export const checkClock: Check = async (settings) => {
  const others = [...settings.etcd.map((url) => `${url}/version`), `${settings.api}/healthz`]
  const findings: Finding[] = []
  for (const url of others) {
    const answer = await ask(url, await clientOf(settings).catch(() => ({})))
    const date = answer.ok ? Date.parse(answer.date ?? '') : Number.NaN
    if (Number.isNaN(date)) continue
    const difference = Math.round(Math.abs(Date.now() - date) / 1000)
    const name = `clock of ${new URL(url).host}`
    findings.push(
      difference <= APART
        ? ok(name, 'agrees with ours')
        : warn(
            name,
            `${difference} s apart from ours`,
            'Run an NTP client on both: apt-get install chrony',
          ),
    )
  }
  if (findings.length > 0) return findings
  const year = new Date().getFullYear()
  return year >= 2026
    ? [ok('clock', new Date().toISOString())]
    : [warn('clock', `it is ${year} here`, 'Set it, or run an NTP client: apt-get install chrony')]
}
