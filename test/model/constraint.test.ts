import { expect, it } from 'vitest'
import { App } from '../../model/app.ts'
import { meets, parseConstraint } from '../../model/constraint.ts'

const host = { name: 'h1', labels: { zone: 'b', 'disk/kind': 'ssd:nvme' } }
const met = (text: string): boolean | null => {
  const constraint = parseConstraint(text)
  return constraint && meets(constraint, host)
}

it('compares labels, and the name of the host', () => {
  expect(met('zone==b')).toBe(true)
  expect(met('zone==c')).toBe(false)
  expect(met('zone!=b')).toBe(false)
  expect(met('zone!=c')).toBe(true)
  expect(met('disk/kind==ssd:nvme')).toBe(true)
  expect(met('host==h1')).toBe(true)
  expect(met('host!=h1')).toBe(false)
})

it('takes a label that is not there, whatever objects inherit, for one that equals nothing', () => {
  for (const label of ['rack', 'constructor', 'toString']) {
    expect(met(`${label}==b`)).toBe(false)
    expect(met(`${label}!=b`)).toBe(true)
  }
})

it.each(['zone=b', 'zone==', '==b', 'zone==b c', 'zone==b\n', 'zone~=b', '-a==b', 'a===b', ''])(
  'refuses %j',
  (text) => expect(parseConstraint(text)).toBeNull(),
)

it('comes at most 16 times', () => {
  const app = (constraints: string[]) => App.safeParse({ name: 'a', image: 'a', constraints })
  expect(app(Array(16).fill('zone==b')).success).toBe(true)
  expect(app(Array(17).fill('zone==b')).success).toBe(false)
  expect(app(['zone']).success).toBe(false)
})
