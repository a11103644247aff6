import { afterAll, beforeEach, describe, expect, it } from 'vitest'
import { hostile } from '../../hostile/corpus.ts'
import { isPlain } from '../hostile.ts'
import { type CliStage, type Outcome, openCliStage } from '../stage.ts'

let stage: CliStage | undefined
beforeEach(async () => {
  await stage?.close()
  stage = await openCliStage({ registries: ['docker.io'] })
})
afterAll(() => stage?.close())

const TEXT = `name: blog
services:
  web: { image: "shop:3", ports: ["8080:3000"], depends_on: [db], privileged: true }
  db: { image: "postgres:16", volumes: ["data:/var/lib/postgresql/data"] }
`

const cli = (argv: string[], stdin = ''): Promise<Outcome> => {
  if (!stage) throw new Error('no stage')
  return stage.cli(argv, { stdin })
}
/** What is stored, by name. */
async function stored(): Promise<Record<string, { image: string }>> {
  const { out } = await cli(['app', 'ls', '--json'])
  const apps = JSON.parse(out) as { name: string; image: string }[]
  return Object.fromEntries(apps.map((app) => [app.name, app]))
}
const imported = (argv: string[], stdin = TEXT): Promise<Outcome> =>
  cli(['import', '-', ...argv], stdin)

describe('without --apply', () => {
  it('says what it would do, and changes nothing', async () => {
    const { code, out, err } = await imported([])
    expect(code).toBe(0)
    expect(out).toMatch(/^web +new +shop:3 +3000 +\/web\/ +5m +db +blog/m)
    expect(out).toMatch(/^db +new +postgres:16 +5432 +only its group/m)
    expect(out).toContain('stdin:3 web.privileged: Reveille gives an app no more rights')
    expect(err).toContain('Nothing was changed. Do it: reveille import - --apply')
    expect(await stored()).toEqual({})
  })

  it('says the same for a script, whose apps are what app add takes', async () => {
    const { out } = await imported(['--json'])
    const plan = JSON.parse(out)
    expect(plan).toMatchObject({ applied: false, fates: { web: 'new', db: 'new' } })
    expect(plan.notes).toContainEqual(
      expect.objectContaining({ kind: 'left', line: 3, service: 'web', key: 'privileged' }),
    )
    expect((await cli(['app', 'add', '--file', '-'], JSON.stringify(plan.apps))).code).toBe(0)
    expect(Object.keys(await stored()).sort()).toEqual(['db', 'web'])
  })

  it('does so where no launcher answers, too', async () => {
    const outcome = await imported(['--api', 'http://127.0.0.1:9'])
    expect(outcome.code).toBe(0)
    expect(outcome.err).toContain('Whether they are there already is not known')
  })
})

describe('with --apply', () => {
  it('adds all', async () => {
    const { code, err } = await imported(['--apply'])
    expect([code, err]).toEqual([0, '\n2 of 2 apps are imported.\n'])
    expect(await stored()).toMatchObject({
      web: { image: 'shop:3', port: 3000, dependsOn: ['db'], group: 'blog' },
      db: { route: 'none', volumes: ['data:/var/lib/postgresql/data'] },
    })
  })

  it('leaves an app of that name as it is, unless told to replace it', async () => {
    await cli(['app', 'add', 'WEB', '--image', 'mine:1'])
    const first = await imported(['--apply'])
    expect(first).toMatchObject({ code: 0, out: expect.stringMatching(/^web +is there, stays/m) })
    expect(first.err).toContain('1 of 2 apps are imported')
    expect(await stored()).toMatchObject({ WEB: { image: 'mine:1' }, db: {} })
    const second = await imported(['--apply', '--replace'])
    expect(second.code).toBe(0)
    expect(await stored()).toMatchObject({ WEB: { image: 'shop:3', port: 3000 } })
  })

  it('adds none if one cannot be an app', async () => {
    const text = `${TEXT}  own: { build: . }\n`
    const { code, out, err } = await imported(['--apply'], text)
    expect([code, out]).toEqual([1, ''])
    expect(err).toContain('nothing is imported: own cannot be')
    expect(err).toContain('stdin:5 own.build: it has no image')
    expect(await stored()).toEqual({})
    expect((await imported(['web', 'db', '--apply'], text)).code).toBe(0)
  })

  it('takes back what it stored if the API refuses a later one', async () => {
    await cli(['app', 'add', 'web', '--image', 'mine:1'])
    const text = `${TEXT}  last: { image: "10.0.0.1:5000/x:1", ports: [80] }\n`
    const { code, err } = await imported(['--apply', '--replace'], text)
    expect(code).toBe(1)
    expect(err).toContain('last: ')
    expect(err).toContain('--registries')
    expect(err).toContain('Nothing was imported')
    const after = await stored()
    expect(Object.keys(after)).toEqual(['web'])
    expect(after).toMatchObject({ web: { image: 'mine:1' } })
  })
})

describe('hostile', () => {
  /** A file with this value, as no person would quote it. */
  const file = (name: string, image: string, env: object): string =>
    JSON.stringify({ services: { [name]: { image, ports: [80], environment: env } } })

  const entries = [
    ...hostile('app.name').map((entry) => ({ ...entry, text: file(entry.value, 'a:1', {}) })),
    ...hostile('image.ref').map((entry) => ({ ...entry, text: file('web', entry.value, {}) })),
    ...hostile('container.env').map((entry) => ({
      ...entry,
      text: file('web', 'a:1', entryOf(entry.value)),
    })),
  ]

  function entryOf(text: string): object {
    const at = text.indexOf('=')
    return at < 1 ? { [text]: 'x' } : { [text.slice(0, at)]: text.slice(at + 1) }
  }

  it('names, images and environments store nothing that app add would not, and print nothing that steers', async () => {
    expect(entries.length).toBeGreaterThan(60)
    for (const { value, text, where } of entries) {
      const outcome = await imported(['--apply'], text)
      const shown = `${where} ${JSON.stringify(value).slice(0, 80)}`
      expect(isPlain(outcome.out + outcome.err), shown).toBe(true)
      expect([0, 1, 2], shown).toContain(outcome.code)
      if (outcome.code !== 0) expect(outcome.out, shown).toBe('')
      for (const name of Object.keys(await stored())) {
        expect(name, shown).toMatch(/^[A-Za-z0-9](?:[A-Za-z0-9_-]{0,61}[A-Za-z0-9])?$/)
        await cli(['app', 'rm', name])
      }
    }
  }, 120_000)
})
