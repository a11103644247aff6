import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { findProgram } from '../../adapters/pdeathsig.ts'
import { PROXIES } from '../../model/setting/proxy.ts'
import type { Settings } from '../../model/setting.ts'
import { Failure } from '../failure.ts'

/** The file the controller writes and the proxy reads. */
export function configurationOf(settings: Settings): string {
  return settings.output || join(settings.runDir, PROXIES[settings.proxy])
}

/**
 * How to start the proxy on the controller's file, in the foreground.
 * @throws Failure if there is none
 */
export function planProxy(settings: Settings): string[] {
  const { proxy, runDir } = settings
  const program = findProgram(proxy)
  if (!program)
    throw new Failure(`there is no ${proxy} on this machine`, [
      `Install it (Debian: apt-get install ${proxy}).`,
    ])
  const file = configurationOf(settings)
  return proxy === 'nginx'
    ? [program, '-e', 'stderr', '-p', runDir, '-c', file, '-g', 'daemon off;']
    : [program, '-W', '-db', '-f', file]
}

/** Whether the controller has written it. A proxy without it would only die. */
export function isConfigured(settings: Settings): boolean {
  return existsSync(configurationOf(settings))
}
