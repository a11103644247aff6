import { vi } from 'vitest'
import './patience.test.ts'

vi.hoisted(() => {
  process.env.REVEILLE_TEST_LIVE = 'on'
})
