/** The q-quantile (0 to 1) of `values`, by linear interpolation between closest ranks. */
export function quantile(values: readonly number[], q: number): number {
  if (values.length === 0) return Number.NaN
  const sorted = [...values].sort((a, b) => a - b)
  const rank = (sorted.length - 1) * q
  const low = sorted[Math.floor(rank)] as number
  const high = sorted[Math.ceil(rank)] as number
  return low + (high - low) * (rank - Math.floor(rank))
}

export function median(values: readonly number[]): number {
  return quantile(values, 0.5)
}

/** What a list of paired figures comes down to. */
export interface Summary {
  n: number
  p50: number
  p95: number
  p99: number
  min: number
  max: number
}

export function summarise(values: readonly number[]): Summary {
  return {
    n: values.length,
    p50: quantile(values, 0.5),
    p95: quantile(values, 0.95),
    p99: quantile(values, 0.99),
    min: Math.min(...values),
    max: Math.max(...values),
  }
}

/** Median and range of b/a over rounds in which both arms ran one after the other. */
export function pairedRatio(pairs: readonly { a: number; b: number }[]): {
  ratio: number
  min: number
  max: number
} {
  const ratios = pairs.map(({ a, b }) => b / a)
  return { ratio: median(ratios), min: Math.min(...ratios), max: Math.max(...ratios) }
}

/**
 * How far `order`, a permutation of 0 to n-1, is in order: Spearman's rank correlation, 1 for the same order, 0 for
 * none, -1 for the reverse.
 */
export function rankCorrelation(order: readonly number[]): number {
  const n = order.length
  const squares = order.reduce((sum, value, rank) => sum + (value - rank) ** 2, 0)
  return 1 - (6 * squares) / (n * (n * n - 1))
}

/** Slope of the line through these points that has the least squares. */
export function slope(points: readonly (readonly [x: number, y: number])[]): number {
  const mean = (values: number[]): number =>
    values.reduce((sum, each) => sum + each, 0) / values.length
  const x0 = mean(points.map(([x]) => x))
  const y0 = mean(points.map(([, y]) => y))
  const products = points.map(([x, y]) => (x - x0) * (y - y0))
  return mean(products) / mean(points.map(([x]) => (x - x0) ** 2))
}
