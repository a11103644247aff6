import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { z } from 'zod'
import type { ProcessImage } from '../../adapters/process-engine.ts'
import { Failure } from '../failure.ts'

const Images = z.record(
  z.string(),
  z.strictObject({
    command: z.array(z.string()).min(1),
    cwd: z.string().optional(),
    port: z.number().optional(),
  }),
)

/** The file that says what the process engine may run besides the demo, by image reference. */
export function imagesFile(stateDir: string): string {
  return join(stateDir, 'images.json')
}

/** Reads it; there need not be one. @throws Failure if it is no such file */
export function readImages(stateDir: string): Record<string, ProcessImage> {
  const path = imagesFile(stateDir)
  if (!existsSync(path)) return {}
  try {
    return Images.parse(JSON.parse(readFileSync(path, 'utf8'))) as Record<string, ProcessImage>
  } catch (error) {
    throw new Failure(`cannot read the images of the process engine from ${path}`, [String(error)])
  }
}
