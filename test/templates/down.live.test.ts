import { vi } from 'vitest'
import './down.test.ts'

vi.hoisted(() => {
  process.env.REVEILLE_TEST_LIVE = 'on'
})
