/** A real browser without a window: Debian's Chromium, with a camera and a microphone that are not real. */
import { existsSync } from 'node:fs';
import { chromium, type Page } from 'playwright-core';

const executablePath = '/usr/bin/chromium';
/** For what hangs: a busy machine takes its time to open a page. */
const patienceMs = 120_000;

const flags = [
  // Root, as which containers run tests, cannot have the sandbox.
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
  '--use-fake-device-for-media-stream',
  '--use-fake-ui-for-media-stream',
  // Without it a machine that has only the loopback interface gathers no candidate.
  '--allow-loopback-in-peer-connection',
];

export interface Browser {
  /** Opens the address in a session of its own: no cookies or storage of another page. */
  newPage(url: string): Promise<Page>;
  /** Ends every page and the browser. May be called twice. */
  close(): Promise<void>;
}

/** Rejects when Chromium is not installed. Whoever opens it closes it. */
export async function openChromium(): Promise<Browser> {
  if (!existsSync(executablePath)) {
    throw new Error(`No ${executablePath}. On Debian: apt-get install chromium`);
  }
  const browser = await chromium.launch({ executablePath, args: flags });
  return {
    newPage: async (url) => {
      const context = await browser.newContext();
      context.setDefaultTimeout(patienceMs);
      const page = await context.newPage();
      await page.goto(url);
      return page;
    },
    close: () => browser.close(),
  };
}
