import { vi } from 'vitest'
import './route.test.ts'

vi.hoisted(() => {
  process.env.REVEILLE_TEST_LIVE = 'on'
})
