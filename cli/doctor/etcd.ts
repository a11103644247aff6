import { readFile } from 'node:fs/promises'
import type { Settings } from '../../model/setting.ts'
import { type Answer, ask, fieldsOf, type Question, textOf } from './ask.ts'
import { type Check, type Finding, fail, ok, warn } from './check.ts'
import { runTool } from './tool.ts'

const base64 = (text: string): string => Buffer.from(text).toString('base64')

/** Certificates for etcd as the settings name them. Rejects if a file cannot be read. */
export async function clientOf(settings: Settings): Promise<Pick<Question, 'tls'>> {
  const read = async (path: string): Promise<string | undefined> =>
    path === '' ? undefined : readFile(path, 'utf8')
  const [ca, cert, key] = await Promise.all([
    read(settings.etcdCa),
    read(settings.etcdCert),
    read(settings.etcdKey),
  ])
  return { tls: { ...(ca && { ca }), ...(cert && { cert }), ...(key && { key }) } }
}

/** Each etcd member: reachable, healthy, its version, and whether our user may read the prefix. */
export const checkEtcd: Check = async (settings) => {
  if (settings.etcd.length === 0) return [await checkBinary()]
  let client: Pick<Question, 'tls'>
  try {
    client = await clientOf(settings)
  } catch (error) {
    const mend = 'Name files this user may read with --etcd-ca, --etcd-cert and --etcd-key.'
    return [fail('etcd certificates', (error as Error).message, mend)]
  }
  return Promise.all(
    settings.etcd.map((url) => checkMember(url.replace(/\/$/, ''), client, settings)),
  )
}

async function checkBinary(): Promise<Finding> {
  const { code, output } = await runTool('etcd', ['--version'])
  const version = /etcd Version: (\S+)/.exec(output)?.[1]
  if (code === 0 && version !== undefined)
    return ok('etcd', `${version}, started by reveille up; no --etcd is given`)
  return fail(
    'etcd',
    'none is given and there is none to start',
    'Install one: apt-get install etcd-server. Or name one: --etcd http://host:2379',
  )
}

async function checkMember(
  url: string,
  client: Pick<Question, 'tls'>,
  settings: Settings,
): Promise<Finding> {
  const name = `etcd ${new URL(url).host}`
  const version = await ask(`${url}/version`, client)
  if (!version.ok) return unreachable(name, url, version)
  const number = textOf(fieldsOf(version), 'etcdserver')
  if (number === '') return fail(name, 'something else answers there', 'Correct --etcd.')
  const [major = 0, minor = 0] = number.split('.').map(Number)
  if (major < 3 || (major === 3 && minor < 4))
    return fail(name, `${number} is too old`, 'Run etcd 3.4 or newer.')
  const health = await ask(`${url}/health`, client)
  if (!health.ok) return unreachable(name, url, health)
  if (textOf(fieldsOf(health), 'health') !== 'true')
    return fail(
      name,
      'it has no quorum or is ill',
      'See its log, and: etcdctl endpoint status --cluster',
    )
  const secured = url.startsWith('https:') ? 'TLS' : 'no TLS'
  const access = await checkAccess(url, client, settings)
  if (access !== '')
    return fail(
      name,
      access,
      'Give --etcd-user and REVEILLE_ETCD_PASSWORD of a user who may read and write the prefix.',
    )
  if (secured === 'no TLS' && !/^http:\/\/(?:127\.|localhost|\[::1\])/.test(url))
    return warn(
      name,
      `${number}, ${secured}`,
      'Anybody on the network may rewrite routes: use https:// with --etcd-ca, or keep it in a private network.',
    )
  return ok(name, `${number}, ${secured}`)
}

/** Reads the prefix the way the services will. Returns what stands in the way, or ''. */
async function checkAccess(
  url: string,
  client: Pick<Question, 'tls'>,
  { etcdUser, etcdPassword, prefix }: Settings,
): Promise<string> {
  const post = (path: string, body: object, token?: string): Promise<Answer> =>
    ask(`${url}/v3/${path}`, {
      ...client,
      method: 'POST',
      body: JSON.stringify(body),
      headers: { 'content-type': 'application/json', ...(token && { authorization: token }) },
    })
  let token: string | undefined
  if (etcdUser !== '') {
    const login = await post('auth/authenticate', { name: etcdUser, password: etcdPassword })
    const given = fieldsOf(login).token
    if (typeof given !== 'string') return `user ${etcdUser} is refused: ${reasonOf(login)}`
    token = given
  }
  const range = { key: base64(`${prefix}/`), range_end: base64(`${prefix}0`), limit: 1 }
  const read = await post('kv/range', range, token)
  return read.ok && read.status === 200 ? '' : `${prefix} cannot be read: ${reasonOf(read)}`
}

function reasonOf(answer: Answer): string {
  if (!answer.ok) return answer.message
  const fields = fieldsOf(answer)
  return textOf(fields, 'message') || textOf(fields, 'error') || `status ${answer.status}`
}

function unreachable(name: string, url: string, answer: Answer & { ok: false }): Finding {
  if (/^ERR_(?:SSL|TLS)|CERT|SELF_SIGNED|UNABLE_TO/.test(answer.code))
    return fail(
      name,
      `TLS fails: ${answer.message}`,
      'Give --etcd-ca, and --etcd-cert with --etcd-key if it wants one.',
    )
  if (answer.code === 'ECONNREFUSED')
    return fail(
      name,
      'nothing listens there',
      'Start it, or correct --etcd (a list, separated by commas).',
    )
  const hint = url.startsWith('http:') ? ' If it speaks TLS, write https://' : ''
  return fail(
    name,
    `${answer.message || answer.code}`,
    `Correct --etcd, or see whether a firewall is between.${hint}`,
  )
}
