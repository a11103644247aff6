import { Etcd3, type IRequestOp } from 'etcd3'
import { App } from '../model/app.ts'
import { APP_IMAGE } from '../test/lab/image.ts'

/** etcd takes 128 operations in one transaction. */
const AT_ONCE = 64

/** Writes so many apps that run, by a record and an Endpoint each, straight to etcd. They are `seed-00000` and so on. */
export async function seedApps(
  url: string,
  count: number,
  ports: readonly number[],
): Promise<void> {
  const etcd = new Etcd3({ hosts: url })
  try {
    for (let from = 0; from < count; from += AT_ONCE) {
      const indices = Array.from({ length: Math.min(AT_ONCE, count - from) }, (_, i) => from + i)
      const success = indices.flatMap((index) => {
        const name = seedName(index)
        const app = App.parse({ name, image: APP_IMAGE, idleAfter: '24h' })
        return [
          put(`/services/apps/${name}`, JSON.stringify(app)),
          put(`/services/clusters/${name}`, `127.0.0.1:${ports[index % ports.length]}`),
        ]
      })
      await etcd.kv.txn({ compare: [], success, failure: [] })
    }
  } finally {
    etcd.close()
  }
}

export const seedName = (index: number): string => `seed-${String(index).padStart(5, '0')}`

const put = (key: string, value: string): IRequestOp => ({
  request_put: { key: Buffer.from(key), value: Buffer.from(value) },
})
