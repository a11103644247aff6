import { describe, expect, test } from 'vitest'
import { App } from '../../model/app.ts'

const problems = (input: unknown): string[] =>
  (App.safeParse(input).error?.issues ?? []).map((issue) => issue.path.join('.'))

describe('an app', () => {
  test('needs a name and an image, the rest has defaults', () => {
    expect(App.parse({ name: 'A', image: 'shop' })).toEqual({
      name: 'A',
      image: 'shop',
      port: 8000,
      env: {},
      health: { type: 'auto' },
      idleAfter: 300,
      sleep: 'stop',
      startTimeout: 60,
      stopTimeout: 10,
      min: 0,
      replicas: 1,
      sticky: false,
      prefetch: false,
      route: 'path',
      routes: [],
      limits: { memory: 512 * 1024 ** 2, cpus: 1, pids: 512 },
      constraints: [],
      antiAffinity: 'prefer',
      dependsOn: [],
      volumes: [],
    })
    expect(problems({})).toEqual(['name', 'image'])
  })

  test('takes text forms of durations, memory and health', () => {
    expect(
      App.parse({
        name: 'A',
        image: 'shop',
        idleAfter: '5m',
        health: 'http:/health',
        limits: { memory: '64m', cpus: 0.5 },
      }),
    ).toMatchObject({
      idleAfter: 300,
      health: { type: 'http', path: '/health' },
      limits: { memory: 64 * 1024 ** 2, cpus: 0.5, pids: 512 },
    })
  })

  test('has commands of any text, scripts of several lines too', () => {
    const command = ['sh', '-c', 'if true\n\tthen echo "ü $HOME ;"\r\nfi', '']
    expect(App.parse({ name: 'A', image: 'shop', command }).command).toEqual(command)
    const health = { type: 'command', command: ['sh', '-c', 'a\nb'] }
    expect(App.parse({ name: 'A', image: 'shop', health }).health).toEqual(health)
  })

  test('comes out of its own JSON unchanged', () => {
    const app = App.parse({ name: 'A', image: 'shop', command: ['a', ''], env: { A: 'b' } })
    expect(App.parse(JSON.parse(JSON.stringify(app)))).toEqual(app)
  })

  test.each([
    ['name', { name: 'a/b' }],
    ['image', { image: '-v /:/host alpine' }],
    ['port', { port: 0 }],
    ['port', { port: 65_536 }],
    ['port', { port: '80; server 127.0.0.1:1' }],
    ['env.LD_PRELOAD', { env: { LD_PRELOAD: '/x' } }],
    ['command', { command: [] }],
    ['command', { command: 'sh -c x' }],
    ['command.1', { command: ['sh', 'a\u0000b'] }],
    ['command.0', { command: ['\u001b[2J'] }],
    ['health', { health: 'command:["a\\u0000"]' }],
    ['health', { health: 'exec:x' }],
    ['idleAfter', { idleAfter: 0 }],
    ['sleep', { sleep: 'hibernate' }],
    ['sleep', { sleep: '' }],
    ['sleep', { sleep: 1 }],
    ['sleep', { sleep: 'pause,' }],
    ['sleep', { sleep: 'pause:1m' }],
    ['sleep', { sleep: 'pause,stop' }],
    ['sleep', { sleep: 'stop,pause:1h' }],
    ['sleep', { sleep: 'stop,stop:1h' }],
    ['sleep', { sleep: 'pause,stop:0' }],
    ['sleep', { sleep: 'pause,stop:31d' }],
    ['sleep', { sleep: 'pause,stop:1h:2' }],
    ['sleep', { sleep: 'pause, stop:1h' }],
    ['sleep', { sleep: 'pause,stop:5m' }],
    ['sleep', { sleep: 'pause,stop:2h,remove:1h' }],
    ['sleep', { sleep: 'pause,stop:10m', idleAfter: '15m' }],
    ['startTimeout', { startTimeout: '2h' }],
    ['stopTimeout', { stopTimeout: -1 }],
    ['min', { min: 2, replicas: 1 }],
    ['replicas', { replicas: 0 }],
    ['replicas', { replicas: 65 }],
    ['limits.memory', { limits: { memory: '1m' } }],
    ['limits.cpus', { limits: { cpus: 0 } }],
    ['limits.pids', { limits: { pids: 1.5 } }],
    ['dependsOn.0', { dependsOn: ['../db'] }],
    ['dependsOn', { dependsOn: ['db', 'DB'] }],
    ['dependsOn', { dependsOn: ['db', 'a'] }],
    ['dependsOn', { dependsOn: Array.from({ length: 17 }, (_, i) => `db${i}`) }],
    ['group', { group: 'a b' }],
    ['network', { network: 'none' }],
    ['network', { network: 'container:reveille-b-0' }],
    ['network', { network: null }],
    ['network', { network: ['host'] }],
    ['network', { network: 'host', group: 'a' }],
    ['volumes.0', { volumes: ['/:/host'] }],
    ['volumes.0', { volumes: ['/var/run/docker.sock:/x'] }],
    ['', { privileged: true }],
    ['', { HostConfig: { Privileged: true } }],
    ['limits', { limits: { devices: ['/dev/sda'] } }],
  ])('says that %s is wrong in %j', (path, wrong) => {
    expect(problems({ name: 'A', image: 'shop', ...wrong })).toEqual([path])
  })

  test.each([
    [{ port: 'abc' }, 'must be a whole number from 1 to 65535'],
    [{ port: 1.5 }, 'must be a whole number from 1 to 65535'],
    [{ replicas: 65 }, 'must be a whole number from 1 to 64'],
    [{ limits: { cpus: 'many' } }, 'must be a number from 0.01 to 512'],
    [{ limits: { pids: null } }, 'must be a whole number from 1 to 65536'],
    [{ limits: { memory: true } }, 'must be an amount like 64m or 1g'],
    [{ idleAfter: [] }, 'must be a duration like 30s, 5m or 1h'],
    [{ network: 'Host' }, 'must be sandbox, bridge or host'],
    [
      { sleep: 'doze' },
      'must be stop, pause or remove, then deeper ones after a longer time, like pause,stop:1h,remove:7d',
    ],
    [
      { sleep: 'pause,stop:1s' },
      'each of its times must be longer than the one before, and than idleAfter',
    ],
    [{ health: 'ftp' }, 'must be tcp, http:/path, image, auto, auto:/path or command:["..."]'],
    [
      { health: { type: 'ftp' } },
      'must be tcp, http:/path, image, auto, auto:/path or command:["..."]',
    ],
  ])('says once what %j must be', (fields, message) => {
    const { error } = App.safeParse({ name: 'A', image: 'shop', ...fields })
    expect(error?.issues.map((issue) => issue.message)).toEqual([message])
  })
})
