import { afterAll, beforeAll, expect, it } from 'vitest'
import { type Candidate, judge } from '../../launcher/place/place.ts'
import { Host } from '../../model/record.ts'
import { type CliStage, openCliStage } from './stage.ts'

const MIB = 2 ** 20
const rules = { limit: () => ({ memory: 4096 * MIB, cpus: 100, instances: 500 }) }

function candidate(name: string, more: Partial<Candidate> = {}): Candidate {
  const where = { address: '10.9.0.1', engine: 'tcp://10.9.0.1:2375', publish: '10.9.0.1' }
  const host = Host.parse({ name, ...where, cpus: 2, memory: 2048 * MIB, images: ['shop:1'] })
  const promised = { memory: 512 * MIB, cpus: 1.5, instances: 2 }
  return { host, container: null, trouble: null, promised, siblings: 0, ...more }
}

const asked: number[] = []
let stage: CliStage
beforeAll(async () => {
  stage = await openCliStage({
    control: {
      judge: async (app, slot) => {
        asked.push(slot)
        const full = { memory: 4000 * MIB, cpus: 1, instances: 1 }
        return judge(
          app,
          [
            candidate('h1', { trouble: 'has an engine that does not answer' }),
            candidate('h2', { promised: full }),
            candidate('h3', { siblings: 1 }),
            candidate('h4'),
          ],
          rules,
        )
      },
    },
  })
  await stage.cli(['app', 'add', 'shop', '--image', 'shop:1', '--replicas', '2'])
})
afterAll(() => stage.close())

it('says of each host whether it would do, or why not', async () => {
  const { code, out } = await stage.cli(['explain', 'shop'])
  expect(code).toBe(0)
  expect(out.split('\n').map((line) => line.trimEnd())).toEqual([
    'HOST  VERDICT   CONTAINER  IMAGE  MEMORY            CPUS        INSTANCES  WHY',
    'h4    chosen    nothing    there  512 of 4096 MiB   1.5 of 100  2 of 500   -',
    'h3    possible  nothing    there  512 of 4096 MiB   1.5 of 100  2 of 500   has 1 more of it',
    'h1    refused   not known  there  512 of 4096 MiB   1.5 of 100  2 of 500   has an engine that does not answer',
    'h2    refused   nothing    there  4000 of 4096 MiB  1 of 100    1 of 500   has no room: 4000 MiB of 4096 MiB are promised and it needs 512 MiB',
    '',
  ])
})

it('tells scripts the same, of the slot that would start next or of another', async () => {
  asked.length = 0
  await stage.store.put(stage.keys.endpoint('shop', 0), '10.9.0.1:8000')
  const knows = () => stage.catalog.endpoint('shop', 0)
  await stage.catalog.when('shop', knows, AbortSignal.timeout(5_000))
  const { out } = await stage.cli(['explain', 'SHOP', '--json'])
  expect(JSON.parse(out)).toMatchObject({
    app: 'shop',
    slot: 1,
    hosts: [
      { host: 'h4', verdict: 'chosen', rank: 1, reason: null, container: 'nothing', image: true },
      { host: 'h3', verdict: 'possible', rank: 2, siblings: 1 },
      { host: 'h1', verdict: 'refused', rank: null, container: null },
      { host: 'h2', limit: { memory: 4096 * MIB, cpus: 100, instances: 500 } },
    ],
  })
  await stage.cli(['explain', 'shop', '--slot', '0'])
  expect(asked).toEqual([1, 0])
})

it('refuses a slot that is none, and knows no app that is none', async () => {
  expect(await stage.cli(['explain', 'shop', '--slot', 'x'])).toMatchObject({ code: 2 })
  expect(await stage.cli(['explain', 'nobody'])).toMatchObject({ code: 1 })
})
