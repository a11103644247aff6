import { setTimeout as pause } from 'node:timers/promises'
import { expect, it } from 'vitest'
import { Queue } from '../../../launcher/wake/queue.ts'

it('runs so many tasks at once, in order, and goes on after one that fails', async () => {
  const queue = new Queue(2)
  const began: number[] = []
  let running = 0
  let most = 0
  const task = (n: number) => async (): Promise<number> => {
    began.push(n)
    running += 1
    most = Math.max(most, running)
    await pause(2)
    running -= 1
    if (n === 1) throw new Error('failed')
    return n
  }
  const all = await Promise.allSettled([0, 1, 2, 3, 4].map((n) => queue.run(task(n))))
  expect(began).toEqual([0, 1, 2, 3, 4])
  expect(most).toBe(2)
  expect(all.map(({ status }) => status === 'fulfilled')).toEqual([true, false, true, true, true])
  expect(queue.length).toBe(0)
})

it('lets urgent tasks go before all that wait, in the order they came, and ends none for them', async () => {
  const queue = new Queue(1)
  const began: string[] = []
  const add = (name: string, isUrgent: boolean) =>
    queue.run(async () => void began.push(name), { isUrgent, since: 0 })
  await Promise.all([
    ...[add('running', false), add('fill', false), add('one', true), add('fill too', false)],
    add('two', true),
  ])
  expect(began).toEqual(['running', 'one', 'two', 'fill', 'fill too'])
})

it('lets who has waited longest go first, whenever they came', async () => {
  const queue = new Queue(1)
  const began: string[] = []
  const add = (name: string, since: number, isUrgent = true) =>
    queue.run(async () => void began.push(name), { isUrgent, since })
  await Promise.all([
    ...[add('running', 9), add('third', 3), add('first', 1), add('fill', 0, false)],
    ...[add('third too', 3), add('second', 2)],
  ])
  expect(began).toEqual(['running', 'first', 'second', 'third', 'third too', 'fill'])
})

it('asks for its limit whenever a task comes or ends, and keeps the order', async () => {
  let limit = 3
  const queue = new Queue(() => limit)
  const began: number[] = []
  const ends: (() => void)[] = []
  const all = [0, 1, 2, 3, 4, 5].map((n) =>
    queue.run(async () => {
      began.push(n)
      await new Promise<void>((end) => ends.push(end))
    }),
  )
  const end = async (): Promise<void> => {
    ends.shift()?.()
    await new Promise(setImmediate)
  }
  await new Promise(setImmediate)
  expect(began).toEqual([0, 1, 2])
  limit = 1
  await end()
  await end()
  expect(began).toEqual([0, 1, 2])
  await end()
  expect(began).toEqual([0, 1, 2, 3])
  limit = 2
  await end()
  expect(began).toEqual([0, 1, 2, 3, 4, 5])
  await end()
  await end()
  await Promise.all(all)
})
