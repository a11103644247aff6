import Docker from 'dockerode'
import { afterEach, expect, test } from 'vitest'
import { openEngine, openOwn } from '../../adapters/docker-open.ts'
import { clearEngine, labEngine } from '../lab/engine.ts'
import { HELLO_IMAGE } from '../lab/image.ts'

const { url } = labEngine()
const docker = new Docker({ socketPath: url.slice('unix://'.length) })

afterEach(clearEngine)

test('launchers find no container that an image says is ours: they would start, stop and remove it', async () => {
  const [repo, tag] = ['reveille-test/posing-app', '1']
  const image = `${repo}:${tag}`
  const from = await docker.createContainer({ Image: HELLO_IMAGE })
  await from.commit({ repo, tag, changes: 'LABEL reveille.app=shop reveille.revision=00' })
  await from.remove()
  try {
    const posing = await docker.createContainer({ name: 'somebodys', Image: image })
    const Labels = { 'reveille.app': 'chosen' }
    const own = await docker.createContainer({ name: 'mine', Image: image, Labels })
    const engine = openOwn(url, {})
    expect((await openEngine(url).list()).map(({ name }) => name).sort()).toEqual([
      'mine',
      'somebodys',
    ])
    expect((await engine.list()).map(({ name }) => name)).toEqual(['mine'])
    expect(await engine.inspect(posing.id)).toBeNull()
    expect((await engine.inspect(own.id))?.name).toBe('mine')
    engine.close()
    for (const { id } of [posing, own]) await docker.getContainer(id).remove()
  } finally {
    await docker.getImage(image).remove({ force: true })
  }
})
