import { defineConfig } from 'vitest/config'

/** Until when something that is polled for must have come, milliseconds: it is there or not, however busy the machine is. */
const expectation = { poll: { timeout: 10_000 } }

/**
 * Three projects: `plain` needs etcd and nginx at most, `lab` gets a Docker engine and so needs root, files of `fleet`
 * start fleets of their own.
 */
export default defineConfig({
  test: {
    pool: 'forks',
    reporters: ['default', './test/lab/summary.ts'],
    allowOnly: process.env['CI'] !== 'true',
    projects: [
      {
        test: {
          name: 'plain',
          include: ['test/**/*.test.ts'],
          exclude: ['test/**/*.lab.test.ts', 'test/**/*.fleet.test.ts'],
          globalSetup: ['test/lab/setup.ts'],
          maxWorkers: 2,
          expect: expectation,
          testTimeout: 30_000,
          hookTimeout: 60_000,
          sequence: { groupOrder: 0 },
        },
      },
      {
        test: {
          name: 'lab',
          include: ['test/**/*.lab.test.ts'],
          globalSetup: ['test/lab/setup-engine.ts'],
          setupFiles: ['test/lab/clear-engine.ts'],
          // One at a time: they share one engine, and the machine may have two cores.
          fileParallelism: false,
          expect: expectation,
          testTimeout: 60_000,
          hookTimeout: 120_000,
          sequence: { groupOrder: 1 },
        },
      },
      {
        test: {
          name: 'fleet',
          include: ['test/**/*.fleet.test.ts'],
          globalSetup: ['test/lab/setup.ts'],
          // One fleet at a time: a run has one network.
          fileParallelism: false,
          expect: expectation,
          testTimeout: 120_000,
          hookTimeout: 120_000,
          sequence: { groupOrder: 2 },
        },
      },
    ],
  },
})
