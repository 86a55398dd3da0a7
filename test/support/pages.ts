/** The pages for browsers, built from the sources of now, and a browser that notes what goes wrong in them. */
import { fileURLToPath, pathToFileURL } from 'node:url';
import path from 'node:path';
import type { BrowserContext, Page } from 'playwright-core';
import type { Browser } from './chromium.js';

const script = fileURLToPath(new URL('../../scripts/web-bundle.mjs', import.meta.url));

/** Beside a program in `folder`, where it looks for them. */
export async function buildPagesFor(folder: string): Promise<void> {
  const { buildPages } = (await import(pathToFileURL(script).href)) as {
    buildPages: (folder: string) => Promise<void>;
  };
  await buildPages(path.join(folder, 'web'));
}

/** A page, and what its console complained of: violations of its policy are among that. */
export interface WatchedPage {
  readonly page: Page;
  readonly complaints: string[];
}

/** Opens an address in the session of `context`, or in one of its own. `prepare` runs in the page before its scripts. */
export async function openWatched(
  browser: Browser,
  url: string,
  { context, prepare }: { readonly context?: BrowserContext; readonly prepare?: string } = {},
): Promise<WatchedPage> {
  const page = context === undefined ? await browser.newPage('about:blank') : await context.newPage();
  const complaints: string[] = [];
  page.on('console', (message) => {
    if (['error', 'warning'].includes(message.type())) complaints.push(message.text());
  });
  page.on('pageerror', (error) => {
    complaints.push(String(error));
  });
  if (prepare !== undefined) await page.addInitScript(prepare);
  await page.goto(url);
  return { page, complaints };
}

/** Looks in the page until it is so; the policy of our pages lets no script of the test's be evaluated by theirs. */
export function comesTrue(page: Page, isSo: string, withinMs: number): Promise<boolean> {
  return page.evaluate<boolean>(`new Promise((resolve) => {
    const endsAtMs = performance.now() + ${String(withinMs)};
    const look = () => {
      if (${isSo}) resolve(true);
      else if (performance.now() > endsAtMs) resolve(false);
      else setTimeout(look, 100);
    };
    look();
  })`);
}
