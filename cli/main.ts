#!/usr/bin/env node
import { execute } from './program.ts'
import { openTerminal } from './terminal.ts'

// Not process.exit: what was written must leave first, and a service goes on after its command has started it.
process.exitCode = await execute(process.argv.slice(2), openTerminal(process))
