import { expect, test } from 'vitest'
import { type Instance, Slots } from '../../model/slots.ts'

const instance = (port: number): Instance => ({
  value: { host: '10.9.0.5', port },
  entry: { key: 'k', value: 'v', modRevision: '1', createRevision: '1', lease: '0' },
})
const ports = (slots: Slots) => [...slots].map(([slot, { value }]) => `${slot}:${value.port}`)

test.each([0, 3])('has one instance, in slot %i', (slot) => {
  const slots = new Slots()
  expect([slots.size, slots.get(0), slots.has(0)]).toEqual([0, undefined, false])
  slots.set(slot, instance(1)).set(slot, instance(2))
  expect([slots.size, slots.has(slot), slots.has(7)]).toEqual([1, true, false])
  expect(ports(slots)).toEqual([`${slot}:2`])
  slots.delete(7)
  expect(slots.get(slot)?.value.port).toBe(2)
  slots.delete(slot)
  expect([slots.size, ...slots]).toEqual([0])
  expect(ports(slots.set(5, instance(5)))).toEqual(['5:5'])
})

test('has several in the order in which they came, and one again', () => {
  const slots = new Slots().set(2, instance(2)).set(0, instance(0)).set(1, instance(1))
  expect([...slots.keys()]).toEqual([2, 0, 1])
  expect([...slots.values()].map(({ value }) => value.port)).toEqual([2, 0, 1])
  slots.delete(2)
  slots.delete(0)
  expect([slots.size, slots.has(0), slots.get(1)?.value.port]).toEqual([1, false, 1])
  slots.delete(1)
  expect(slots.size).toBe(0)
})
