import { openSigner } from '../../adapters/cookie.ts'
import { readingOf } from '../../controller/reading.ts'
import type { Settings } from '../../model/setting.ts'
import { misuse } from '../failure.ts'

/** Settings of names and cookies that make no sense together are named before anything starts. */
export function refuseReading(settings: Settings): void {
  try {
    readingOf(settings, openSigner(settings.cookieKeyFile))
  } catch (error) {
    throw misuse((error as Error).message)
  }
}
