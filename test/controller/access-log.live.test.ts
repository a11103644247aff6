import { vi } from 'vitest'
import './access-log.test.ts'

vi.hoisted(() => {
  process.env.REVEILLE_TEST_LIVE = 'on'
})
