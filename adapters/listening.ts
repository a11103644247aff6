import { flagOf, type SettingName } from '../model/setting.ts'

const CURES: Record<string, string> = {
  EADDRINUSE: 'end what has it, or choose',
  EACCES: 'choose',
  EADDRNOTAVAIL: 'choose',
}

/**
 * Waits until something listens where a setting says.
 * @throws Error that names the address, and the setting to choose another with; its cause has the system's code
 */
export async function listening<T>(setting: SettingName, begun: Promise<T>): Promise<T> {
  try {
    return await begun
  } catch (error) {
    const { code = '', message } = error as NodeJS.ErrnoException
    const cure = CURES[code]
    if (cure === undefined) throw error
    throw new Error(`${message}: ${cure} another with --${flagOf(setting)}`, { cause: error })
  }
}
