/** What a container runtime asks now and then: does the program that runs here answer? */

/**
 * Resolves to the address's status, or to why there is none. Never rejects. Only loopback and the program's own address
 * are asked, and no redirect is followed.
 */
export async function healthOf(url: string, withinMs: number): Promise<string> {
  try {
    const response = await fetch(url, { redirect: 'manual', signal: AbortSignal.timeout(withinMs) });
    await response.body?.cancel();
    return response.ok ? 'healthy' : `answers ${response.status}`;
  } catch (error) {
    return error instanceof Error && error.name === 'TimeoutError'
      ? `does not answer within ${withinMs} ms`
      : 'does not answer';
  }
}

/** Where a program that listens at `host` can be asked from its own machine. */
export function askedAt(host: string, port: number, path: string): string {
  const own = host === '0.0.0.0' ? '127.0.0.1' : host === '::' ? '::1' : host;
  return `http://${own.includes(':') ? `[${own}]` : own}:${port}${path}`;
}
