#!/usr/bin/env node
import { execute } from './program.ts'
import { openTerminal } from './terminal.ts'

const code = await execute(process.argv.slice(2), openTerminal(process))
// A service that could not start may have begun to knock at etcd. One that could goes on: its command has only started it.
if (code !== 0) process.exit(code)
