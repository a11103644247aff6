import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readFileSync } from 'node:fs'
import { getPriority } from 'node:os'
import { expect, it } from 'vitest'
import { favour } from '../../../cli/embedded/favour.ts'

it('has a session come before others, by both ways of the kernel', async () => {
  const child = spawn('sleep', ['60'], { detached: true, stdio: 'ignore' })
  try {
    await once(child, 'spawn')
    const pid = child.pid ?? 0
    favour(pid)
    expect(getPriority(pid)).toBe(-5)
    const group = `/proc/${pid}/autogroup`
    if (existsSync(group)) expect(readFileSync(group, 'utf8')).toMatch(/nice -5\n$/)
  } finally {
    child.kill()
  }
})

it('costs nothing where there is nobody', () => {
  favour(2 ** 22)
})
