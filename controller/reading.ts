import { READING, Reading } from '../model/reading.ts'
import type { Settings } from '../model/setting.ts'
import type { Surroundings } from './plan.ts'

/**
 * How names are read here, and how cookies are signed. Throws a readable Error for settings that make no sense together.
 * @param sign what follows a name and a dot in a signed cookie; null where no key is given
 */
export function readingOf(
  settings: Settings,
  sign: ((name: string) => string) | null,
): Pick<Surroundings, 'reading' | 'sign'> {
  if (settings.cookie === '' && settings.fallback !== '')
    throw new Error('--fallback is where requests without a cookie go: give --cookie, too')
  if (settings.cookie === '' && sign !== null)
    throw new Error(
      '--cookie-key-file is the key of cookies that name apps: say by which cookie, --cookie instance, or leave it out',
    )
  const names = Object.keys(READING) as (keyof typeof READING)[]
  const given = Object.fromEntries(names.map((name) => [name, settings[name]]))
  return { reading: Reading.parse({ ...given, signed: sign !== null }), sign }
}

/** Throws a readable Error where a log of requests is asked of a proxy that has none for it. */
export function refuseAccessLog({ proxy, accessLog }: Pick<Settings, 'proxy' | 'accessLog'>): void {
  if (proxy === 'haproxy' && accessLog !== 'off')
    throw new Error(
      '--access-log needs nginx: HAProxy would log requests where it reports used apps',
    )
}
