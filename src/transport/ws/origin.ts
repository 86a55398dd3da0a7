/**
 * May a page of this origin connect? No `Origin`: not a browser. Otherwise it must be in the list (`*` is any), or,
 * with an empty list, be of the host that it connects to, on any port: the page may come from 8001 and the socket
 * from 8080.
 */
export function isOriginAllowed(
  origin: string | undefined,
  host: string | undefined,
  allowed: readonly string[],
): boolean {
  if (origin === undefined) return true;
  if (allowed.includes('*') || allowed.includes(origin)) return true;
  if (allowed.length > 0 || host === undefined) return false;
  const [from, to] = [hostnameOf(origin), hostnameOf(`http://${host}`)];
  return from !== undefined && from === to;
}

function hostnameOf(url: string): string | undefined {
  return URL.canParse(url) ? new URL(url).hostname : undefined;
}
