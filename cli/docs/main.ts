import { writeFileSync } from 'node:fs'
import { describeCommands } from './commands.ts'
import { describeSettings } from './configuration.ts'

// `npm run docs`, at the root of the repository
writeFileSync('docs/configuration.md', describeSettings())
writeFileSync('docs/cli.md', describeCommands())
