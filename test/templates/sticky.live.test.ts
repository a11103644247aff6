import { vi } from 'vitest'
import './sticky.test.ts'

vi.hoisted(() => {
  process.env.REVEILLE_TEST_LIVE = 'on'
})
