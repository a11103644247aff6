import type { ContainerInfo } from 'dockerode'
import { expect, test } from 'vitest'
import { readEvent } from '../../adapters/docker-event.ts'
import { fromList, loneSandboxes } from '../../adapters/docker-pair.ts'
import { SANDBOX_IMAGE } from '../../adapters/sandbox-image.ts'

const Labels = { 'reveille.app': 'web', 'reveille.sandbox': 'web' }

test.each([
  ['has the image of sandboxes', SANDBOX_IMAGE, '/sandbox', true],
  ['has it, and its name is another image by now', `sha256:${'0'.repeat(64)}`, '/sandbox', true],
  ['has an image with such labels', 'example/web:1', '/sandbox', false],
  ['has one of that kind that lost its name', `sha256:${'0'.repeat(64)}`, '/web', false],
])('a container of that name that %s is a sandbox, or not', (_what, Image, Command, isOurs) => {
  const info = { Id: 'c1', Names: ['/web.sandbox'], Labels, State: 'running', Status: 'Up 1 s' }
  const list = [{ ...info, Image, Command } as unknown as ContainerInfo]
  expect(loneSandboxes(list)).toHaveLength(isOurs ? 1 : 0)
  expect(fromList(list)).toHaveLength(isOurs ? 0 : 1)
})

test.each([
  [SANDBOX_IMAGE, 'cut'],
  ['example/web:1', 'die'],
])('the end of one of %s is told as %s', (image, action) => {
  const Attributes = { ...Labels, name: 'web.sandbox', image }
  const told = { Action: 'die', Actor: { ID: 'c1', Attributes }, timeNano: 1 }
  expect(readEvent(JSON.stringify(told))?.action).toBe(action)
})
