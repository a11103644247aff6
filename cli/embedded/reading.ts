import { openSigner } from '../../adapters/cookie.ts'
import { readingOf, refuseAccessLog } from '../../controller/reading.ts'
import type { Settings } from '../../model/setting.ts'
import { misuse } from '../failure.ts'

/** Settings of a gateway that make no sense together are named before anything starts. */
export function refuseReading(settings: Settings): void {
  try {
    refuseAccessLog(settings)
    readingOf(settings, openSigner(settings.cookieKeyFile))
  } catch (error) {
    throw misuse((error as Error).message)
  }
}
