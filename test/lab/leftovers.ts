import { afterEach } from 'vitest'

/** What each test of a file adds to it is ended after that test, the latest first. */
export function labLeftovers(): (() => unknown)[] {
  const leftovers: (() => unknown)[] = []
  afterEach(async () => {
    for (const end of leftovers.splice(0).reverse()) await end()
  })
  return leftovers
}
