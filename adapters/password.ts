import { randomBytes, scrypt, timingSafeEqual } from 'node:crypto'

/** Cost of a new hash: 32 MiB and some 50 ms of one CPU. */
const COST = { ln: 15, r: 8, p: 1 }
/** What a line of a file may ask of us at most. */
const MOST = { ln: 17, r: 16, p: 4 }
const LENGTH = 32

const FORM =
  /^\$scrypt\$ln=(\d{1,2}),r=(\d{1,2}),p=(\d)\$([A-Za-z0-9+/]{16,64})\$([A-Za-z0-9+/]{43})$/

interface Parsed {
  cost: typeof COST
  salt: Buffer
  hash: Buffer
}

function parse(record: string): Parsed | null {
  const [match, ln, r, p, salt = '', hash = ''] = FORM.exec(record) ?? []
  const cost = { ln: Number(ln), r: Number(r), p: Number(p) }
  const isFair = (['ln', 'r', 'p'] as const).every(
    (name) => cost[name] >= 1 && cost[name] <= MOST[name],
  )
  if (match === undefined || !isFair) return null
  return { cost, salt: Buffer.from(salt, 'base64'), hash: Buffer.from(hash, 'base64') }
}

function derive(password: string, salt: Buffer, { ln, r, p }: typeof COST): Promise<Buffer> {
  const N = 2 ** ln
  return new Promise((resolve, reject) => {
    scrypt(
      password.normalize('NFC'),
      salt,
      LENGTH,
      { N, r, p, maxmem: 256 * N * r },
      (error, key) => (error ? reject(error) : resolve(key)),
    )
  })
}

const plain = (bytes: Buffer): string => bytes.toString('base64').replace(/=+$/, '')

/** Whether a text is what {@link hashPassword} writes. */
export function isPasswordHash(record: string): boolean {
  return parse(record) !== null
}

/** A password as it is kept: `$scrypt$ln=15,r=8,p=1$<salt>$<hash>`, the PHC string format. */
export async function hashPassword(password: string): Promise<string> {
  const salt = randomBytes(16)
  const { ln, r, p } = COST
  return `$scrypt$ln=${ln},r=${r},p=${p}$${plain(salt)}$${plain(await derive(password, salt, COST))}`
}

/** Stands for a user that is not there: to ask for one takes as long as to ask for one that is. */
const NOBODY = `$scrypt$ln=${COST.ln},r=${COST.r},p=${COST.p}$${'A'.repeat(22)}$${'A'.repeat(43)}`

/** Whether a password is the one of a record; null: there is no such user, which takes as long to say. */
export async function checkPassword(password: string, record: string | null): Promise<boolean> {
  const known = record === null ? null : parse(record)
  const { salt, cost, hash } = known ?? (parse(NOBODY) as Parsed)
  const isEqual = timingSafeEqual(await derive(password, salt, cost), hash)
  return known !== null && isEqual
}
