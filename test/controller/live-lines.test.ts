import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it, vi } from 'vitest'
import { isSpecial, parseAddress } from '../../model/address.ts'
import { hostile } from '../hostile/corpus.ts'
import { door, revisionOf } from './door.ts'
import { openLiveLab, soon } from './live-lab.ts'

vi.hoisted(() => {
  process.env.REVEILLE_TEST_LIVE = 'on'
})

const { lab, shop, docs, appAt } = await openLiveLab()
// It would put things right between a push and what is asked after it.
await lab.stopController()

describe('a line that is not as it must be', () => {
  const line = (name: string, peers: string, flags = 'n', rest = '1\t5\t') =>
    `${name}\t${flags}\t${rest}\t${peers}`
  const bad: [string, string][] = [
    ...hostile('app.name').map(({ value }): [string, string] => [
      `name ${value}`,
      line(`${value}\t`, '127.0.0.1:80*1'),
    ]),
    ...hostile('etcd.value')
      .filter(({ expect: law }) => law === 'ignore-entry')
      // what only a cluster's own settings refuse, nginx cannot know
      .filter(({ value }) => !/^(?:\d+\.){3}\d+:\d+$|^\[[0-9a-f:]+\]:\d+$/.test(value))
      .map(({ value }): [string, string] => [`address ${value}`, line('bad', `${value}*1`)]),
    ...['0.0.0.0:80', '169.254.169.254:80', '224.0.0.1:80', '127.0.0.1:22', '127.0.0.1:2375']
      .concat(['[fe80::1]:80', '[::]:80', '[ff02::1]:80', 'localhost:80', 'unix:/x:80'])
      .concat(['127.0.0.1:0', '127.0.0.1:65536', '127.0.0.01:80', '256.0.0.1:80', '1.2.3:80'])
      .map((value): [string, string] => [value, line('bad', `${value}*1`)]),
    ['no weight', line('bad', '127.0.0.1:80')],
    ['weight 0', line('bad', '127.0.0.1:80*0')],
    ['pin', line('bad', '127.0.0.1:80*1#zz')],
    ['flags', line('bad', '127.0.0.1:80*1', 'x')],
    ['no peers', line('bad', '')],
    ['numbers', line('bad', '127.0.0.1:80*1', 'n', '-1\t5\t')],
    ['empty', ''],
    ['revision', '\0revision\t-'],
  ]

  it.each(bad)('is refused, and the others are taken: %j', async (_, text) => {
    const before = await revisionOf(lab)
    const [good, more] = ['good', 'more'].map((name) => line(name, `${docs.address}*1`))
    const all = [`reveille table 1 ${before} abcd`, good, text, more, ''].join('\n')
    const answer = await door(lab, 'PUT', '/table', all)
    expect([answer.status, answer.text.split('\n')[0]]).toEqual([200, 'abcd'])
    expect(answer.text).toMatch(text.startsWith('bad\t') ? /^abcd\nbad(?:\n|$)/ : /^abcd/)
    expect(await appAt('/good/')).toBe('docs')
    expect(await appAt('/more/')).toBe('docs')
    expect(await appAt('/bad/')).toBe(503)
    // Some say that they are the shop's.
    const own = line('shop', `${shop.address}*1`)
    if (!/^shop/m.test(text)) expect(await appAt('/shop/')).toBe('shop')
    const back = `reveille table 1 abcd ${before}\ngood\t-\nmore\t-\n${own}\n`
    expect((await door(lab, 'PUT', '/table', back)).status).toBe(200)
  })

  it('may be longer than all that there is room for', async () => {
    const before = await revisionOf(lab)
    const text = `${line('long', `${docs.address}*1`)}\n${'x'.repeat(66 * 1024 ** 2)}\n`
    const answer = await door(lab, 'PUT', '/table', `reveille table 1 ${before} abcd\n${text}`)
    expect([answer.status, answer.text.slice(0, 8)]).toEqual([200, 'abcd\nxxx'])
    expect(await appAt('/long/')).toBe('docs')
    await door(lab, 'PUT', '/table', `reveille table 1 abcd ${before}\nlong\t-\n`)
  })

  it('leaves its app none: where it was, somebody else may be by now', async () => {
    const before = await revisionOf(lab)
    const put = (one: string, other: string, text: string) =>
      door(lab, 'PUT', '/table', `reveille table 1 ${one} ${other}\n${text}\n`)
    expect((await put(before, 'abcd', line('was', `${docs.address}*1`))).text).toBe('abcd')
    expect(await appAt('/was/')).toBe('docs')
    expect((await put('abcd', before, line('was', 'nowhere'))).text).toBe(`${before}\nwas`)
    expect(await appAt('/was/')).toBe(503)
  })

  it.each(['shop', 'shop\tn\t1\t5\t\t127.0.0.1:80*1'])(
    'at which a text is cut off makes it none: %j',
    async (end) => {
      const before = await revisionOf(lab)
      const answer = await door(lab, 'PUT', '/table', `reveille table 1 * abcd\n${end}`)
      expect(answer).toEqual({ status: 400, text: 'its end is missing' })
      expect(await revisionOf(lab)).toBe(before)
      expect(await appAt('/shop/')).toBe('shop')
    },
  )

  it.each([
    '::1',
    '::2',
    '1::2',
    'fd00::1',
    'fe8::1',
    'fe80::1',
    'febf::1',
    'fec0::1',
    'ff::1',
    'ff1::1',
    'ff02::1',
  ])('is one for nginx if it is one for a controller: %s', async (host) => {
    const address = parseAddress(host)
    const before = await revisionOf(lab)
    const text = `reveille table 1 ${before} abcd\n${line('six', `[${host}]:80*1`)}\n`
    const answer = await door(lab, 'PUT', '/table', text)
    expect(answer.text).toBe(address && isSpecial(address) ? 'abcd\nsix' : 'abcd')
    const back = `reveille table 1 abcd ${before}\nsix\t-\n`
    expect((await door(lab, 'PUT', '/table', back)).status).toBe(200)
  })

  it('in the file costs its own app its route, and nothing else', async () => {
    await lab.nginx.stop()
    const lines = [line('good', `${docs.address}*1`), ...bad.map(([, text]) => text)]
    const file = join(lab.folder, 'nginx/table')
    await writeFile(file, `reveille table 1 * abcd\n${lines.join('\n')}\n`)
    await lab.startNginx()
    expect(await appAt('/good/')).toBe('docs')
    expect(await appAt('/bad/')).toBe(503)
    for (const nonsense of ['', 'x', '\0\0\0', 'reveille table 1 * abcd', '{"a":1}\n{{']) {
      await lab.nginx.stop()
      await writeFile(file, nonsense)
      await lab.startNginx()
      expect(await appAt('/good/')).toBe(503)
      expect((await door(lab, 'PUT', '/table', 'reveille table 1 none abcd\n')).status).toBe(200)
    }
    await lab.startController()
    await soon(() => appAt('/shop/')).toBe('shop')
    expect(await appAt('/good/')).toBe(503)
  })

  it('is not guessed at where the door is spoken to wrongly', async () => {
    for (const [method, body, status] of [
      ['PUT', '', 400],
      ['PUT', 'reveille table 2 * abcd\n', 400],
      ['PUT', 'reveille table 1 0000 abcd\n', 409],
      ['POST', 'reveille table 1 * abcd\n', 200],
    ] as const)
      expect((await door(lab, method, '/table', body)).status).toBe(status)
    expect(await appAt('/shop/')).toBe('shop')
  })
})
