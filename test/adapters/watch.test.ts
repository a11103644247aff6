import { writeFileSync } from 'node:fs'
import { mkdir, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { watchFiles } from '../../adapters/watch.ts'
import { temporaryFolder } from '../lab/folder.ts'

let folder: string
let changes: number
let stop: () => void

beforeEach(async () => {
  folder = await temporaryFolder()
  await writeFile(join(folder, 'a'), 'one')
  changes = 0
  stop = watchFiles([join(folder, 'a'), join(folder, 'missing/b')], () => void changes++)
})
afterEach(() => stop())

/** In one step: to empty a file and to write it would be two where something comes between. */
const change = (name: string) => writeFile(join(folder, name), 'two', { flag: 'r+' })
const told = (count: number) => expect.poll(() => changes).toBe(count)

test('a file that is written, replaced and removed is told of each time, others are not', async () => {
  for (const name of ['other', 'third']) await writeFile(join(folder, name), 'x')
  await change('a')
  await told(1)
  await rename(join(folder, 'other'), join(folder, 'a'))
  await told(2)
  await rm(join(folder, 'a'))
  await told(3)
  await rename(join(folder, 'third'), join(folder, 'a'))
  await told(4)
})

test('a folder that is not there costs the others nothing, and is not found later', async () => {
  await mkdir(join(folder, 'missing'))
  await writeFile(join(folder, 'missing/b'), 'x')
  await change('a')
  await told(1)
})

test('nothing is told any more once it is stopped', async () => {
  writeFileSync(join(folder, 'a'), 'two')
  stop()
  await new Promise((resolve) => setTimeout(resolve, 200))
  expect(changes).toBe(0)
})
