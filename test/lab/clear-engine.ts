import { beforeAll } from 'vitest'
import { clearEngine } from './engine.ts'

// vitest setupFiles of project `lab`: every file begins with an engine that runs nothing of ours.
beforeAll(clearEngine)
