import type { Reading } from '../../model/reading.ts'

/** How clients reach an instance. */
export interface WayTo {
  route: string
  /** `name=value`, null where gateways do not go by cookies */
  cookie: string | null
}

/**
 * How clients reach an instance: by its cookie at the root, or at its path.
 * @param value what its cookie says: its name, signed where cookies are
 */
export function wayTo(
  name: string,
  { pathPrefix, cookie }: Pick<Reading, 'pathPrefix' | 'cookie'>,
  value: string,
): WayTo {
  // With a cookie, first segments are names only below a prefix.
  const isByCookie = cookie !== '' && pathPrefix === ''
  return {
    route: isByCookie ? '/' : `${pathPrefix}/${name}/`,
    cookie: cookie === '' ? null : `${cookie}=${value}`,
  }
}
