import { rmSync } from 'node:fs'
import { setTimeout as delay } from 'node:timers/promises'
import { searchPath } from '../adapters/command.ts'
import type { ProcessImage } from '../adapters/process-engine.ts'
import type { Settings } from '../model/setting.ts'
import type { Child } from './embedded/child.ts'
import { addressesOf, refuseConflicts } from './embedded/conflict.ts'
import { DEMO_IMAGES, demoFolders, prepareDemo } from './embedded/demo.ts'
import { type ChosenEngine, chooseEngine } from './embedded/engine.ts'
import { planEtcd } from './embedded/etcd.ts'
import { takeFolders } from './embedded/folders.ts'
import { ask, junctionOf, urlOf, vitalsOf } from './embedded/health.ts'
import { House, program } from './embedded/house.ts'
import { readImages } from './embedded/images.ts'
import { deniedOf, networkOf } from './embedded/network.ts'
import { configurationOf, isConfigured, planProxy } from './embedded/proxy.ts'
import { refuseReading } from './embedded/reading.ts'
import { clearResidue } from './embedded/residue.ts'
import { startServices } from './embedded/services.ts'
import { summaryOf } from './embedded/summary.ts'
import { Failure } from './failure.ts'

/** Ends in a row after which a part will not come up, while it has not been up yet. */
const HOPELESS = 6

/**
 * Runs everything on this machine until SIGINT or SIGTERM. Resolves when all of it has ended.
 * @throws Failure if it does not come up
 */
export async function run(given: Settings): Promise<void> {
  process.env.PATH = searchPath()
  const house = new House(given.logLevel)
  try {
    await open(house, given)
  } catch (error) {
    // what fails because it is being ended is no failure
    if (!house.signal.aborted) throw error
  } finally {
    await house.close()
  }
}

async function open(house: House, given: Settings): Promise<void> {
  const {
    settings: placed,
    mark,
    forget,
  } = given.demo ? demoFolders(given) : { settings: given, mark: () => {}, forget: () => {} }
  house.onClose(forget)
  const { stateDir, runDir } = placed
  const proxy = planProxy(placed)
  refuseReading(placed)
  const folders = takeFolders(stateDir, runDir, urlOf(placed.listen))
  house.onClose(folders.release)
  await refuseConflicts(addressesOf(placed))
  if (await clearResidue(stateDir, runDir))
    house.log.warn(`removed from ${stateDir} what a demo left there that was killed`)
  mark()

  const etcd = await startEtcd(house, placed)
  const images = { ...readImages(stateDir), ...(placed.demo && DEMO_IMAGES) }
  const engine = await startEngine(house, placed, images)
  const settings = settle(placed, etcd, engine)
  const demo = settings.demo ? await prepareDemo(engine.url, settings) : null
  if (demo) house.onClose(demo.clear)
  if (house.signal.aborted) return

  rmSync(configurationOf(settings), { force: true }) // it would be that of another run
  const services = startServices(house, settings)
  house.onClose(() => Promise.all(services.map((child) => child.stop())))
  house.onClose(startProxy(house, settings, proxy))
  if (demo && given.etcd.length > 0) house.onClose(demo.withdraw)

  await untilWell(house, settings)
  await untilJoined(house, settings)
  if (house.signal.aborted) return
  await demo?.add()
  process.stderr.write(summaryOf(settings, engine, Object.keys(images)))
  await aborted(house.signal)
}

/** The members to use: those given, else one of our own. */
async function startEtcd(house: House, settings: Settings): Promise<string[]> {
  if (settings.etcd.length > 0) return settings.etcd
  const { url, command, note } = await planEtcd(settings.stateDir)
  if (note !== '')
    house.log.warn({ etcd: url }, `${note}; our etcd is elsewhere: ETCDCTL_ENDPOINTS=${url}`)
  const env = Object.entries(process.env).filter(([name]) => !name.startsWith('ETCD_'))
  const child = house.start({ name: 'etcd', command, env: Object.fromEntries(env) })
  house.onClose(() => child.stop())
  return [url]
}

async function startEngine(
  house: House,
  settings: Settings,
  images: Record<string, ProcessImage>,
): Promise<ChosenEngine> {
  const engine = await chooseEngine({
    settings,
    images,
    signal: house.signal,
    tell: (line) => house.log.warn(line),
    startChild: (name, args, patience) => {
      const command = [...program(`cli/embedded/${name}`), ...args]
      return house.start({ name: 'docker', command, tie: 'TERM', patience })
    },
  })
  house.onClose(engine.close)
  if (engine.note !== '')
    house.log.warn(`apps run as child processes, without isolation: ${engine.note}`)
  house.log.info({ engine: engine.url, kind: engine.kind, address: engine.address }, 'engine')
  return engine
}

/** The settings of the services: what was given, and what only we know. */
function settle(settings: Settings, etcd: string[], engine: ChosenEngine): Settings {
  const address = settings.address || engine.address
  const listens = addressesOf(settings).map(({ listen }) => listen)
  const loopback = engine.kind === 'process' ? ['127.0.0.1/32'] : []
  // What others started publishes no port for us: it is reached on the bridge itself.
  const bridge = settings.discover !== 'off' && engine.subnet !== '' ? [engine.subnet] : []
  return {
    ...settings,
    etcd,
    docker: engine.url,
    engine: 'docker', // what the process engine speaks, too
    address,
    // known from the first configuration on: the gateway need not wait for what etcd says
    launchers: [...settings.launchers, settings.wakeAdvertise ?? settings.wakeListen],
    networks:
      settings.networks.length > 0
        ? settings.networks
        : [networkOf(address), ...loopback, ...bridge],
    denied: [...new Set([...settings.denied, ...deniedOf(listens, etcd, address)])],
    output: configurationOf(settings),
    // Where every image is a name, nobody is told which there are not.
    unknown: settings.unknown ?? (settings.discover === 'image' ? '403' : '404'),
  }
}

/** Starts the proxy as soon as the controller has written its configuration. Returns how to end it. */
function startProxy(house: House, settings: Settings, command: string[]): () => Promise<void> {
  let child: Child | null = null
  const started = (async () => {
    while (!isConfigured(settings) && !house.signal.aborted) await delay(20)
    if (house.signal.aborted) return
    // workers outlive a killed master and keep its port; told to quit, they let go of it and finish what they have
    const leftovers = settings.proxy === 'nginx' ? 'SIGQUIT' : 'SIGUSR1'
    child = house.start({
      name: settings.proxy,
      command,
      tie: 'TERM',
      leftovers,
      patience: 3,
      favoured: true,
    })
  })()
  return async () => {
    await started
    await child?.stop()
  }
}

/** Waits until every part says that it is well. @throws Failure for a part that keeps ending */
async function untilWell(house: House, settings: Settings): Promise<void> {
  const vitals = vitalsOf(settings)
  for (let round = 1; !house.signal.aborted; round++) {
    const answers = await Promise.all(vitals.map(ask))
    if (answers.every((answer) => answer === '')) return
    const part = house.hopeless(HOPELESS)
    if (part) throw new Failure(`${part.title} cannot start`, lastWordsOf(part))
    if (round % 100 === 0)
      for (const [index, { name }] of vitals.entries())
        if (answers[index]) house.log.warn({ part: name, answer: answers[index] }, 'not up yet')
    await delay(100)
  }
}

/** Why it ended, as far as it said: where several write, what they say besides would hide it. */
function lastWordsOf({ lastErrors, lastLines }: Child): string[] {
  return (lastErrors.length > 0 ? lastErrors : lastLines).slice(-5)
}

/** Seconds the gateway gets to hear of the launcher: it is said that all is up whether or not it has. */
const JOINING = 10

/** Waits until requests get from the gateway to the launcher. */
async function untilJoined(house: House, settings: Settings): Promise<void> {
  const junction = junctionOf(settings)
  const deadline = performance.now() + JOINING * 1000
  while (!house.signal.aborted) {
    const answer = await ask(junction)
    if (answer === '') return
    if (performance.now() > deadline)
      return house.log.warn({ answer }, 'the gateway does not reach the launcher yet')
    await delay(50)
  }
}

function aborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve()
  return new Promise((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }))
}
