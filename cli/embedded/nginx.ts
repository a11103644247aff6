import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { findProgram } from '../../adapters/pdeathsig.ts'
import type { Settings } from '../../model/setting.ts'
import { Failure } from '../failure.ts'

/** The file the controller writes and nginx reads. */
export function configurationOf(settings: Settings): string {
  return settings.output || join(settings.runDir, 'nginx.conf')
}

/**
 * How to start nginx on the controller's file, in the foreground.
 * @throws Failure if there is no nginx
 */
export function planNginx(settings: Settings): string[] {
  const nginx = findProgram('nginx')
  if (!nginx)
    throw new Failure('there is no nginx on this machine', [
      'Install it (Debian: apt-get install nginx).',
    ])
  const file = configurationOf(settings)
  return [nginx, '-e', 'stderr', '-p', settings.runDir, '-c', file, '-g', 'daemon off;']
}

/** Whether the controller has written it. nginx without it would only die. */
export function isConfigured(settings: Settings): boolean {
  return existsSync(configurationOf(settings))
}
