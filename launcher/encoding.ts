import type { App } from '../model/app.ts'
import { LARGEST } from '../model/decode.ts'
import { isAllowedImage, registryOf } from '../model/image.ts'
import { ProblemError } from '../model/problem.ts'
import { HOST_REFUSED } from './wake/network.ts'

/** What this launcher's operator lets apps have. */
export interface Allowed {
  /** registries images may come from */
  registries: readonly string[]
  /** whether apps may have the network of their host */
  hostNetwork: 'on' | 'off'
}

/**
 * A record as etcd has it. Throws ProblemError `invalid-input` for one that is not allowed, or too long.
 * @param part what of an App is in it, and the path to that
 */
export function encode(
  record: object,
  { path, app }: { path: string; app: Pick<App, 'image' | 'network'> },
  { registries, hostNetwork }: Allowed,
): string {
  const refuse = (field: string, message: string): never => {
    throw new ProblemError('invalid-input', { errors: [{ path: field, message }] })
  }
  if (app.network === 'host' && hostNetwork === 'off') refuse(`${path}network`, HOST_REFUSED)
  if (!isAllowedImage(app.image, registries))
    refuse(
      `${path}image`,
      `comes from ${registryOf(app.image)}, which the launcher does not allow: name it in its --registries (now ${registries.join(',')})`,
    )
  const value = JSON.stringify(record)
  if (value.length > LARGEST) refuse('', `must be at most ${LARGEST} characters in all`)
  return value
}
