import type { Command } from 'commander'
import { addExamples, addSettings, settingsOf } from '../option.ts'
import type { Terminal } from '../terminal.ts'

/** `reveille doctor` */
export function addDoctor(program: Command, terminal: Terminal): void {
  const doctor = program
    .command('doctor')
    .description('check this machine and the cluster, and say how to mend what is wrong')
  const settings = settingsOf('up', 'controller', 'launcher', 'registrar', 'cli')
  addExamples(addSettings(doctor, 'Settings:', settings), [
    ['reveille doctor', 'before the first start, and whenever something is odd'],
    ['reveille doctor --etcd https://10.0.0.1:2379 --etcd-ca ca.pem', 'with settings to be'],
    ['reveille doctor --json | jq \'.findings[] | select(.level != "ok")\'', 'only what is wrong'],
  ])
  // Loaded only when it is to run: it brings clients of all that it asks, which every service would carry along.
  doctor.action(async (flags: Record<string, unknown>) => {
    const { run } = await import('../doctor/run.ts')
    await run(terminal, flags)
  })
}
