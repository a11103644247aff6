import { expect, test } from 'vitest'
import type { Finding } from '../../cli/doctor/check.ts'
import { labEngine } from '../lab/engine.ts'
import { temporaryFolder } from '../lab/folder.ts'
import { startSecureEngine } from '../lab/secure-engine.ts'
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

test('doctor asks an engine that wants certificates, and says so where it has none', async () => {
  const secure = await startSecureEngine(await temporaryFolder())
  const { url, ca, client } = secure
  const docker = async (...flags: string[]): Promise<Finding | undefined> => {
    const { out } = await run(['doctor', '--json', '--engine', 'docker', '--docker', url, ...flags])
    const { findings }: { findings: Finding[] } = JSON.parse(out)
    return findings.find(({ name }) => name === `docker ${url}`)
  }
  const own = ['--docker-cert', client.cert, '--docker-key', client.key]
  expect(await docker('--docker-ca', ca.cert, ...own)).toMatchObject({
    level: 'ok',
    detail: expect.stringMatching(/API 1\.\d+$/),
  })
  expect(await docker()).toMatchObject({
    level: 'fail',
    mend: expect.stringMatching(/--docker-ca/),
  })
  expect(await docker('--docker-ca', ca.cert)).toMatchObject({ level: 'fail' })
  expect(await docker(...own)).toMatchObject({
    level: 'fail',
    detail: expect.stringMatching(/^TLS fails/),
  })
  await secure.stop()
})
