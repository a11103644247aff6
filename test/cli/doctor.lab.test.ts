import { expect, test } from 'vitest'
import type { Finding } from '../../cli/doctor/check.ts'
import { labEngine } from '../lab/engine.ts'
import { run } from './stage.ts'

test('doctor finds the engine well, with its version and what it can limit.', async () => {
  const { out } = await run(['doctor', '--json', '--engine', 'docker', '--docker', labEngine().url])
  const { findings }: { findings: Finding[] } = JSON.parse(out)
  const find = (name: string): Finding | undefined =>
    findings.find((finding) => `${finding.name} `.startsWith(`${name} `))
  expect(find('docker')).toMatchObject({
    level: 'ok',
    detail: expect.stringMatching(/^\d+\.\d+.*, API 1\.\d+$/),
  })
  expect(find('cgroups')).toMatchObject({
    level: 'ok',
    detail: expect.stringMatching(/^version [12], (?:cgroupfs|systemd)$/),
  })
  expect(find('iptables')?.level).toMatch(/^(?:ok|warn)$/)
})
