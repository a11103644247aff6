import { ProblemError } from '../model/problem.ts'
import type { Store } from './collection.ts'

/** The same store; a call that fails is a problem that may be shown: 503, with the cause for the log. */
export function reachable(store: Store): Store {
  const call = async <T>(made: Promise<T>): Promise<T> => {
    try {
      return await made
    } catch (cause) {
      const problem = new ProblemError('unavailable', {
        detail: 'etcd does not answer',
        retryAfter: 5,
      })
      problem.cause = cause
      throw problem
    }
  }
  return {
    get: (key) => call(store.get(key)),
    list: (prefix) => call(store.list(prefix)),
    create: (key, value, options) => call(store.create(key, value, options)),
    replace: (key, value, options) => call(store.replace(key, value, options)),
    remove: (key, options) => call(store.remove(key, options)),
  }
}
