import { afterAll, beforeAll, expect, it } from 'vitest'
import { command } from '../../lab/command.ts'
import { labEngine } from '../../lab/engine.ts'
import { HELLO_IMAGE } from '../../lab/image.ts'
import { type CliStage, openCliStage } from '../stage.ts'

const docker = (...words: string[]): Promise<string> =>
  command('docker', '-H', labEngine().url, ...words)

let stage: CliStage
beforeAll(async () => {
  stage = await openCliStage()
  const legacy = ['--env', 'VIRTUAL_HOST=old.example.com', '--env', 'NOTE=a$b', '--memory', '64m']
  const keeps = ['--volume', 'old:/data', '--volume', '/tmp:/host:ro', '--publish', '8000']
  await docker('run', '--detach', '--name', 'legacy', ...legacy, ...keeps, HELLO_IMAGE)
  await docker(
    'run',
    '--detach',
    '--name',
    'strong',
    '--pid',
    'host',
    '--device',
    '/dev/null',
    HELLO_IMAGE,
  )
  await docker('run', '--detach', '--name', 'ours', '--label', 'reveille.app=ours', HELLO_IMAGE)
})
afterAll(async () => {
  await docker('rm', '--force', '--volumes', 'legacy', 'strong', 'ours')
  await docker('volume', 'rm', 'old')
  await stage.close()
})

it('running containers become apps; what they have of their host is told, and they run on', async () => {
  const from = ['import', '--docker', labEngine().url]
  const { code, out } = await stage.cli([...from, '--json'])
  expect(code).toBe(0)
  const plan = JSON.parse(out)
  expect(plan.apps).toMatchObject([
    {
      ...{ name: 'legacy', image: HELLO_IMAGE, port: 8000, routes: ['old.example.com'] },
      ...{ env: { NOTE: 'a$b' }, volumes: ['old:/data'], limits: { memory: 64 * 1024 ** 2 } },
    },
    { name: 'strong', route: 'none', min: 1 },
  ])
  expect(plan.apps[0]).not.toHaveProperty('command')
  const left = plan.notes.filter(({ kind }: { kind: string }) => kind === 'left')
  expect(
    left.map(({ service, key }: { service: string; key: string }) => `${service}.${key}`),
  ).toEqual(expect.arrayContaining(['legacy.volumes[1]', 'strong.devices', 'strong.pid']))
  const before = await docker('ps', '--format', '{{.ID}} {{.Names}} {{.State}}')
  expect((await stage.cli([...from, 'legacy', '--apply'])).err).toContain(
    '1 of 1 apps are imported',
  )
  expect((await stage.cli(['app', 'show', 'legacy'])).out).toContain('old.example.com')
  expect(await docker('ps', '--format', '{{.ID}} {{.Names}} {{.State}}')).toBe(before)
})

it('an engine that is not there, and one that is no address, are told so', async () => {
  const gone = await stage.cli(['import', '--docker', 'unix:///nowhere/docker.sock'])
  expect([gone.code, gone.err]).toEqual([1, expect.stringContaining('/nowhere/docker.sock')])
  for (const url of ['http://x', 'unix://', '$(id)'])
    expect((await stage.cli(['import', '--docker', url])).code).toBe(2)
  expect((await stage.cli(['import'])).err).toContain('the compose file is not named')
})
