/** The pages for people: demo, dashboard and documents. None of them has data in it: that is asked for by their scripts. */
import type { Request } from 'express';
import { detailReply, type Reply } from '../reply.js';
import type { Route } from '../route.js';
import { pageHeaders } from '../security-headers.js';
import { PageFiles } from './page-files.js';
import type { PageParts } from './page-parts.js';

const contentTypes: Readonly<Record<string, string>> = {
  html: 'text/html; charset=utf-8',
  css: 'text/css; charset=utf-8',
  js: 'text/javascript; charset=utf-8',
};

export function pageRoutes({ folder, serveDemo }: PageParts): readonly Route[] {
  const files = new PageFiles(folder);
  const pages = ['dashboard', 'reference', ...(serveDemo ? ['demo'] : [])];
  const asset = (request: Request): Promise<Reply> | Reply => {
    const { file } = request.params;
    const isOurs =
      typeof file === 'string' && pages.some((page) => [`${page}.css`, `${page}.js`].includes(file));
    return isOurs ? show(files, file) : detailReply(404, 'Not Found');
  };
  return [
    ...pages.map((page): Route => ({
      path: `/${page}`,
      method: 'GET',
      answer: () => show(files, `${page}.html`),
    })),
    { path: '/web/:file', method: 'GET', answer: asset },
  ];
}

async function show(files: PageFiles, name: string): Promise<Reply> {
  const text = await files.read(name);
  const contentType = contentTypes[name.slice(name.lastIndexOf('.') + 1)];
  if (text === undefined || contentType === undefined) {
    return {
      status: 404,
      contentType: 'text/plain; charset=utf-8',
      text: 'The pages are not built: run `npm run build` and start the server again.\n',
    };
  }
  return { status: 200, contentType, text, headers: headersOf(name) };
}

/** Only the demo may use camera and microphone. Browsers ask each time: after an update nobody runs yesterday's page. */
function headersOf(name: string): Readonly<Record<string, string>> {
  const { 'content-security-policy': policy = '', ...rest } = pageHeaders;
  const isCall = name.startsWith('demo.');
  return { 'content-security-policy': policy, ...(isCall ? rest : {}), 'cache-control': 'no-cache' };
}
