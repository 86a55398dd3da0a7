/** Path and query of a request target, in origin form (`/path?query`) or, as proxies are sent it, in absolute form. */
export function readTarget(target: string): { readonly path: string; readonly query: URLSearchParams } {
  const isAbsolute = !target.startsWith('/') && URL.canParse(target);
  if (isAbsolute) {
    const { pathname, searchParams } = new URL(target);
    return { path: pathname, query: searchParams };
  }
  const at = target.indexOf('?');
  if (at === -1) return { path: target, query: new URLSearchParams() };
  return { path: target.slice(0, at), query: new URLSearchParams(target.slice(at + 1)) };
}
